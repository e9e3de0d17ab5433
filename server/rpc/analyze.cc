#include "server/rpc/analyze.h"

#include <string>
#include <utility>

#include <absl/strings/str_cat.h>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "server/base/error.h"
#include "server/interaction/interaction.h"
#include "server/interaction/messages.h"

namespace luna::rpc {

namespace asio = boost::asio;

namespace {

absl::Status Check(const v1::AnalyzeRequest& request) {
  const std::string& language = request.language();
  if (absl::Status unknown = CheckLanguage(language); !unknown.ok()) return unknown;
  if (request.has_text() == (request.texts_size() > 0)) {
    return MakeError(ErrorCode::kInvalidInput, messages::TextOrTexts(language));
  }
  if (request.has_text()) return CheckText(language, "text", request.text());
  if (request.texts_size() > kMostTexts) {
    return MakeError(ErrorCode::kInvalidInput, messages::TooManyTexts(language, kMostTexts));
  }
  for (int i = 0; i < request.texts_size(); ++i) {
    const absl::Status wrong =
        CheckText(language, absl::StrCat("texts[", i, "]"), request.texts(i));
    if (!wrong.ok()) return wrong;
  }
  return absl::OkStatus();
}

}  // namespace

asio::awaitable<absl::StatusOr<v1::AnalyzeResponse>> Analyze(v1::AnalyzeRequest request,
                                                             EmotionClassifier* emotion) {
  const absl::Status wrong = Check(request);
  if (!wrong.ok()) co_return wrong;
  if (emotion == nullptr) {
    co_return MakeError(ErrorCode::kEmotionUnavailable,
                        messages::NoEmotionEngine(request.language()));
  }
  v1::AnalyzeResponse response;
  if (request.has_text()) {
    absl::StatusOr<v1::Emotion> found = co_await emotion->Classify(request.text());
    if (!found.ok()) co_return found.status();
    response.set_emotion(found->emotion());
    response.set_confidence(found->confidence());
    response.mutable_top()->Swap(found->mutable_top());
    co_return response;
  }
  for (const std::string& text : request.texts()) {
    absl::StatusOr<v1::Emotion> found = co_await emotion->Classify(text);
    if (!found.ok()) co_return found.status();
    *response.add_results() = *std::move(found);
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  }
  co_return response;
}

}  // namespace luna::rpc
