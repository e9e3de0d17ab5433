#pragma once

#include <memory>

#include "server/config/config.h"
#include "server/emotion/classifier.h"
#include "server/emotion/model.h"
#include "server/llm/targets.h"
#include "server/telemetry/metrics.h"

namespace luna::emotion {

// The embedded model that the configuration names; nullptr where emotion is off. Where it cannot be
// read, too: then an error line in the log says why. So does a line where the engine's target has
// no API key. Reads a file: once, before the loops start.
std::shared_ptr<const Model> LoadModel(const config::Config& config);

// The configured engine, on one event loop; nullptr where there is none. All but `model` must
// outlive it.
std::unique_ptr<EmotionClassifier> MakeClassifier(const config::Emotion& config,
                                                  std::shared_ptr<const Model> model,
                                                  llm::Targets& targets,
                                                  telemetry::Metrics& metrics);

}  // namespace luna::emotion
