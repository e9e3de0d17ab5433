#include "server/interaction/messages.h"

#include <string_view>
#include <utility>

#include <absl/strings/str_cat.h>

namespace luna::messages {
namespace {

bool English(const std::string& language) { return language == "en"; }

// What a failed model means to somebody who does not read English; "" where the failure says it.
std::string_view InKorean(const std::string& code) {
  static constexpr std::pair<const char*, const char*> kMeanings[] = {
      {"UPSTREAM_UNAVAILABLE", "모델 서버에 연결할 수 없거나, 모델 서버가 지금 답할 수 없습니다."},
      {"UPSTREAM_AUTH", "API 키가 없거나 거부되었습니다."},
      {"UPSTREAM_REJECTED", "모델 서버가 요청을 받아들이지 않았습니다."},
      {"UPSTREAM_QUOTA", "모델의 사용 한도를 넘었습니다."},
      {"UPSTREAM_TIMEOUT", "모델이 제때 답하지 않았습니다."},
      {"UPSTREAM_PROTOCOL", "모델 서버의 응답이 올바르지 않습니다."},
      {"CONTENT_BLOCKED", "모델 쪽에서 이 내용을 차단했습니다."},
  };
  for (const auto& [meant, meaning] : kMeanings) {
    if (code == meant) return meaning;
  }
  return "";
}

}  // namespace

std::string Empty(const std::string& language, const std::string& field) {
  return field + (English(language) ? ": must not be empty" : ": 내용이 비어 있습니다.");
}

std::string TooLong(const std::string& language, const std::string& field, int most_bytes) {
  return English(language) ? absl::StrCat(field, ": longer than ", most_bytes, " bytes")
                           : absl::StrCat(field, ": ", most_bytes, "바이트를 넘습니다.");
}

std::string TextOrTexts(const std::string& language) {
  return English(language) ? "expected either text or texts"
                           : "text와 texts 가운데 하나만 보내 주세요.";
}

std::string TooMany(const std::string& language, const std::string& field, int most) {
  return English(language) ? absl::StrCat(field, ": more than ", most)
                           : absl::StrCat(field, ": ", most, "개를 넘습니다.");
}

std::string NotBetween(const std::string& language, const std::string& field, int least, int most) {
  return English(language)
             ? absl::StrCat(field, ": expected a number from ", least, " to ", most)
             : absl::StrCat(field, ": ", least, "에서 ", most, " 사이의 수여야 합니다.");
}

std::string NoConversation(const std::string& language, int id) {
  return English(language) ? absl::StrCat("id: there is no conversation ", id)
                           : absl::StrCat("id: ", id, "번 대화가 없습니다.");
}

std::string ConversationDeleted(const std::string& language, int id) {
  return English(language) ? absl::StrCat("conversation ", id, " is deleted")
                           : absl::StrCat(id, "번 대화를 삭제했습니다.");
}

std::string Missing(const std::string& language) {
  return English(language) ? "missing" : "빠져 있습니다.";
}

std::string NotUtf8(const std::string& language) {
  return English(language) ? "not UTF-8" : "UTF-8이 아닙니다.";
}

std::string NotPast(const std::string& language) {
  return English(language) ? "must be between 1970 and now" : "1970년과 지금 사이여야 합니다.";
}

std::string NoTime(const std::string& language) {
  return English(language) ? "expected a time such as 2026-01-31T12:34:56, or seconds since 1970"
                           : "2026-01-31T12:34:56 같은 시각이나 1970년부터의 초여야 합니다.";
}

std::string NoText(const std::string& language) {
  return English(language) ? "expected a text" : "문자열이어야 합니다.";
}

std::string NoObject(const std::string& language) {
  return English(language) ? "expected an object" : "JSON 객체여야 합니다.";
}

std::string AtLine(const std::string& language, int number, const std::string& what) {
  return English(language) ? absl::StrCat("line ", number, ": ", what)
                           : absl::StrCat(number, "번째 줄: ", what);
}

std::string AtEntry(const std::string& language, int number, const std::string& what) {
  return English(language) ? absl::StrCat("entry ", number, ": ", what)
                           : absl::StrCat(number, "번째 항목: ", what);
}

std::string NothingToSumUp(const std::string& language) {
  return English(language) ? "there is nothing to sum up" : "요약할 대화가 없습니다.";
}

std::string SummedUp(const std::string& language) {
  return English(language) ? "the conversation is summed up" : "대화를 요약했습니다.";
}

std::string CacheCleanedUp(const std::string& language, int removed) {
  return English(language) ? absl::StrCat(removed, " old cached answers are deleted")
                           : absl::StrCat("오래된 캐시 답변 ", removed, "개를 삭제했습니다.");
}

std::string CacheCleared(const std::string& language, int removed) {
  return English(language) ? absl::StrCat(removed, " cached answers are deleted")
                           : absl::StrCat("캐시된 답변 ", removed, "개를 삭제했습니다.");
}

std::string ConfirmNeeded(const std::string& language) {
  return English(language) ? "confirm: must be true, since what is deleted is gone"
                           : "confirm: true여야 합니다. 삭제한 기억은 되돌릴 수 없습니다.";
}

std::string NoEmotionEngine(const std::string& language) {
  return English(language)
             ? "emotion: emotion.engine is off in config/models.yaml, or its model could not be "
               "read, which the server's log says"
             : "emotion: config/models.yaml의 emotion.engine이 off이거나 감정 모델을 읽지 "
               "못했습니다. 서버 로그를 확인하세요.";
}

std::string NoTranslationEngine(const std::string& language) {
  return English(language)
             ? "translation: nobody translates: translation.engine in config/models.yaml is off, "
               "or auto while the default target is no Gemini and there is no "
               "llm.servers.translator, or its key is missing, which the server's log says"
             : "translation: 번역할 엔진이 없습니다. config/models.yaml의 translation.engine이 "
               "off이거나, auto인데 기본 대상이 Gemini가 아니고 llm.servers.translator도 없거나, "
               "키가 "
               "없습니다. 서버 로그를 확인하세요.";
}

std::string NoLanguageTag(const std::string& language, const std::string& field,
                          const std::string& tag) {
  return English(language)
             ? absl::StrCat(field, ": expected a language such as ko, en or pt-BR (BCP 47), got \"",
                            tag, "\"")
             : absl::StrCat(field, ": ko, en, pt-BR 같은 언어 코드(BCP 47)여야 합니다: \"", tag,
                            "\"");
}

std::string UnknownLanguage(const std::string& value) {
  return absl::StrCat("language: expected ko or en, got \"", value, "\"");
}

std::string UnknownTarget(const std::string& language, const std::string& name,
                          const std::string& known_names) {
  return English(language)
             ? absl::StrCat("target: no \"", name, "\" is configured; there is ", known_names)
             : absl::StrCat("target: '", name,
                            "'은(는) 설정에 없습니다. 설정된 대상: ", known_names);
}

std::string StreamingDisabled(const std::string& language, const std::string& target,
                              const std::string& instead) {
  return English(language)
             ? absl::StrCat("This target does not stream ('", target,
                            "' has stream: false). Set stream: true in config/models.yaml, or use ",
                            instead, ".")
             : absl::StrCat("스트리밍은 이 대상에서 지원되지 않습니다 ('", target,
                            "'는 stream: false입니다). config/models.yaml에서 stream: true로 "
                            "바꾸거나 ",
                            instead, "를 사용하세요.");
}

std::string OnePrompt(const std::string& language) {
  return English(language) ? "expected one of messages, user_prompt and input"
                           : "messages, user_prompt, input 가운데 하나만 보내 주세요.";
}

std::string UnknownRole(const std::string& language, const std::string& field,
                        const std::string& role) {
  return English(language)
             ? absl::StrCat(field, ": expected system, developer, user or assistant, got \"", role,
                            "\"")
             : absl::StrCat(field, ": system, developer, user, assistant 가운데 하나여야 합니다: '",
                            role, "'");
}

std::string NoUserMessage(const std::string& language) {
  return English(language) ? "messages: expected one of the role user that is not empty"
                           : "messages: 내용이 있는 user 메시지가 하나는 있어야 합니다.";
}

std::string AnswerTooLong(const std::string& language, int most_bytes) {
  return English(language) ? absl::StrCat("the answer is longer than ", most_bytes, " bytes")
                           : absl::StrCat("답변이 ", most_bytes, "바이트를 넘습니다.");
}

std::string ModelFailed(const std::string& language, const config::Target& target, bool streaming,
                        const std::string& code, const std::string& detail) {
  const bool gemini = target.api == config::Target::Api::kGemini;
  const std::string who = gemini ? "[L.U.N.A. LLM API] Gemini" : "[L.U.N.A. LLM Server]";
  if (English(language)) {
    return absl::StrCat(who, streaming ? " error while streaming: " : " error: ", detail);
  }
  const std::string meaning(InKorean(code));
  return absl::StrCat(who,
                      streaming ? " 스트리밍 중 오류 발생: " : " 응답 생성 중 오류 발생: ", meaning,
                      meaning.empty() ? "" : " ", detail);
}

}  // namespace luna::messages
