#include "server/emotion/embedded.h"

#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace luna::emotion {

namespace asio = boost::asio;

EmbeddedClassifier::EmbeddedClassifier(std::shared_ptr<const Model> model)
    : model_(std::move(model)) {}

asio::awaitable<absl::StatusOr<std::vector<v1::Emotion>>> EmbeddedClassifier::Classify(
    std::vector<std::string> texts) {
  std::vector<v1::Emotion> emotions;
  emotions.reserve(texts.size());
  for (const std::string& text : texts) {
    if (!emotions.empty()) {
      co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    }
    emotions.push_back(model_->Classify(text));
  }
  co_return emotions;
}

}  // namespace luna::emotion
