#include "server/rpc/translate.h"

#include <string>
#include <utility>

#include "server/base/error.h"
#include "server/interaction/checks.h"
#include "server/interaction/messages.h"
#include "server/translation/languages.h"

namespace luna::rpc {

namespace asio = boost::asio;

namespace {

absl::StatusOr<std::string> CheckTag(const std::string& language, const char* field,
                                     const std::string& tag) {
  std::optional<std::string> canonical = translation::CanonicalLanguage(tag);
  if (canonical) return *std::move(canonical);
  return MakeError(ErrorCode::kInvalidInput, messages::NoLanguageTag(language, field, tag));
}

absl::StatusOr<Passage> Check(v1::TranslateRequest& request) {
  const std::string& language = request.language();
  absl::Status wrong = CheckLanguage(language);
  if (wrong.ok()) wrong = CheckText(language, "text", request.text());
  if (!wrong.ok()) return wrong;
  absl::StatusOr<std::string> from = std::string();
  if (!request.from_lang().empty()) from = CheckTag(language, "from_lang", request.from_lang());
  if (!from.ok()) return from.status();
  absl::StatusOr<std::string> to = CheckTag(language, "to_lang", request.to_lang());
  if (!to.ok()) return to.status();
  return Passage{std::move(*request.mutable_text()), *std::move(from), *std::move(to)};
}

}  // namespace

asio::awaitable<absl::StatusOr<v1::TranslateResponse>> Translate(v1::TranslateRequest request,
                                                                 Translator* translator) {
  absl::StatusOr<Passage> passage = Check(request);
  if (!passage.ok()) co_return passage.status();
  if (translator == nullptr) {
    co_return MakeError(ErrorCode::kTranslationUnavailable,
                        messages::NoTranslationEngine(request.language()));
  }
  absl::StatusOr<std::string> translated = co_await translator->Translate(*std::move(passage));
  if (!translated.ok()) co_return translated.status();
  v1::TranslateResponse response;
  response.set_translated_text(*std::move(translated));
  co_return response;
}

}  // namespace luna::rpc
