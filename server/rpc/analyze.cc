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

absl::Status CheckText(const std::string& language, const std::string& field,
                       const std::string& text) {
  if (text.find_first_not_of(" \t\r\n\f\v") == text.npos) {
    return MakeError(ErrorCode::kInvalidInput, messages::TextEmpty(language, field));
  }
  if (text.size() > Interaction::kMostInputBytes) {
    return MakeError(ErrorCode::kInputTooLarge,
                     messages::TextTooLarge(language, field, Interaction::kMostInputBytes));
  }
  return absl::OkStatus();
}

absl::Status Check(const v1::AnalyzeRequest& request) {
  const std::string& language = request.language();
  if (!language.empty() && language != "ko" && language != "en") {
    return MakeError(ErrorCode::kInvalidInput, messages::UnknownLanguage(language));
  }
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
