#include "server/rpc/analyze.h"

#include <string>
#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>

#include "server/base/error.h"
#include "server/interaction/checks.h"
#include "server/interaction/messages.h"
#include "server/rpc/limits.h"

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
    return MakeError(ErrorCode::kInvalidInput, messages::TooMany(language, "texts", kMostTexts));
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
  std::vector<std::string> texts(request.texts().begin(), request.texts().end());
  if (request.has_text()) texts.push_back(request.text());
  absl::StatusOr<std::vector<v1::Emotion>> found = co_await emotion->Classify(std::move(texts));
  if (!found.ok()) co_return found.status();
  v1::AnalyzeResponse response;
  if (request.has_text()) {
    v1::Emotion& only = found->front();
    response.set_emotion(only.emotion());
    response.set_confidence(only.confidence());
    response.mutable_top()->Swap(only.mutable_top());
  } else {
    response.mutable_results()->Assign(found->begin(), found->end());
  }
  co_return response;
}

}  // namespace luna::rpc
