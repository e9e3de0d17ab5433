#include "server/emotion/engine.h"

#include <utility>

#include <spdlog/spdlog.h>

#include "server/emotion/embedded.h"
#include "server/emotion/llm.h"

namespace luna::emotion {

std::shared_ptr<const Model> LoadModel(const config::Config& config) {
  const config::Emotion& emotion = config.emotion;
  if (emotion.engine == "off") return nullptr;
  const bool asks = emotion.engine == "llm";
  if (asks) {
    const config::Target& target =
        config.llm.targets.at(emotion.target.empty() ? config.llm.default_target : emotion.target);
    // A server may need none.
    if (target.api == config::Target::Api::kGemini && target.key.empty()) {
      spdlog::warn("emotion: target {} has no API key, {} is not set: it will not be able to say",
                   target.name, target.key_env);
    }
  }
  absl::StatusOr<std::shared_ptr<const Model>> model = Model::Load(emotion.model_file);
  if (model.ok()) return *std::move(model);
  spdlog::error("emotion: {}; {}", std::string(model.status().message()),
                asks ? "where the target fails, no emotion is sent" : "no emotion is sent");
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
