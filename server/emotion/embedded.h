#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/emotion/classifier.h"
#include "server/emotion/model.h"

namespace luna::emotion {

// The embedded model, on the loop itself: it takes less time than to go to another thread and back
// (model.h says how much).
class EmbeddedClassifier final : public EmotionClassifier {
 public:
  // `model` is shared with the other loops' classifiers.
  explicit EmbeddedClassifier(std::shared_ptr<const Model> model);

  boost::asio::awaitable<absl::StatusOr<std::vector<v1::Emotion>>> Classify(
      std::vector<std::string> texts) override;

 private:
  const std::shared_ptr<const Model> model_;
};

}  // namespace luna::emotion
