#include "server/emotion/engine.h"

#include <utility>

#include <spdlog/spdlog.h>

#include "server/emotion/embedded.h"
#include "server/emotion/llm.h"

namespace luna::emotion {

std::shared_ptr<const Model> LoadModel(const config::Emotion& config) {
  if (config.engine == "off") return nullptr;
  absl::StatusOr<std::shared_ptr<const Model>> model = Model::Load(config.model_file);
  if (model.ok()) return *std::move(model);
  spdlog::error(
      "emotion: {}; {}", std::string(model.status().message()),
      config.engine == "llm" ? "where the target fails, no emotion is sent" : "no emotion is sent");
  return nullptr;
}

std::unique_ptr<EmotionClassifier> MakeClassifier(const config::Emotion& config,
                                                  std::shared_ptr<const Model> model,
                                                  llm::Targets& targets,
                                                  telemetry::Metrics& metrics) {
  std::unique_ptr<EmotionClassifier> embedded;
  if (model != nullptr) embedded = std::make_unique<EmbeddedClassifier>(std::move(model));
  if (config.engine == "llm") {
    return std::make_unique<LlmClassifier>(config, targets, std::move(embedded), metrics);
  }
  return embedded;
}

}  // namespace luna::emotion
