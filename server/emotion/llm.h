#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/config.h"
#include "server/emotion/classifier.h"
#include "server/llm/targets.h"
#include "server/telemetry/metrics.h"

namespace luna::emotion {

// Asks a configured target, which has to answer in JSON that is restricted to the labels. It is
// asked once for each text, one after the other, without retries and without `llm.fallback`. Where
// it fails, says something else, or has not answered `emotion.deadline_ms` after the first was
// asked, the embedded classifier answers, and that is logged and counted. Its confidence is what
// the model says of itself, which nothing has calibrated, and its label the only one in `top`.
class LlmClassifier final : public EmotionClassifier {
 public:
  // `config.target` is one of `targets`, or empty: the default one. `embedded` is nullptr where
  // there is none: then a failure is one. All else must outlive this.
  LlmClassifier(const config::Emotion& config, llm::Targets& targets,
                std::unique_ptr<EmotionClassifier> embedded, telemetry::Metrics& metrics);

  boost::asio::awaitable<absl::StatusOr<std::vector<v1::Emotion>>> Classify(
      std::vector<std::string> texts) override;

 private:
  boost::asio::awaitable<absl::StatusOr<v1::Emotion>> Ask(std::string text,
                                                          net::TimePoint deadline);

  const config::Emotion& config_;
  llm::Targets& targets_;
  const std::unique_ptr<EmotionClassifier> embedded_;
  telemetry::Metrics& metrics_;
};

// What the model is asked.
llm::Prompt EmotionPrompt(std::string text);

// Reads `{"emotion": "joy", "confidence": 0.9}`, with or without anything around the object. An
// error (UPSTREAM_PROTOCOL) where it is not that: another label, no number from 0 to 1.
absl::StatusOr<v1::Emotion> ParseEmotion(std::string_view answer);

}  // namespace luna::emotion
