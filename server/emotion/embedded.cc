#include "server/emotion/embedded.h"

#include <utility>

namespace luna::emotion {

EmbeddedClassifier::EmbeddedClassifier(std::shared_ptr<const Model> model)
    : model_(std::move(model)) {}

boost::asio::awaitable<absl::StatusOr<v1::Emotion>> EmbeddedClassifier::Classify(std::string text) {
  co_return model_->Classify(text);
}

}  // namespace luna::emotion
