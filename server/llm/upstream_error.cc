#include "server/llm/upstream_error.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_replace.h>
#include <curl/curl.h>
#include <rapidjson/document.h>

#include "server/base/error.h"
#include "server/base/utf8.h"

namespace luna::llm {
namespace {

using std::chrono::milliseconds;
using Json = rapidjson::Value;

constexpr std::size_t kLongestWords = 600;
constexpr std::size_t kLongestExcerpt = 200;
constexpr milliseconds kLongestDelay = std::chrono::hours(24);

// What an error body says.
struct Words {
  bool json = false;
  int code = 0;
  std::string message;
  bool bad_key = false;
  bool over_context = false;
  bool per_day = false;
  milliseconds delay{0};
};

const Json* Member(const Json& object, const char* name) {
  if (!object.IsObject()) return nullptr;
  const auto member = object.FindMember(name);
  return member == object.MemberEnd() ? nullptr : &member->value;
}

std::string Text(const Json& object, const char* name) {
  const Json* member = Member(object, name);
  return member && member->IsString() ? std::string(member->GetString(), member->GetStringLength())
                                      : std::string();
}

// The object that describes an error, or its text: the member `error`, or the document itself. An
// array stands for its first element, as Gemini wraps it without alt=sse.
const Json& ErrorIn(const Json& document) {
  const Json& first = document.IsArray() && !document.Empty() ? document[0] : document;
  const Json* error = Member(first, "error");
  return error && !error->IsNull() ? *error : first;
}

bool HasError(const Json& document) {
  const Json& first = document.IsArray() && !document.Empty() ? document[0] : document;
  return &ErrorIn(document) != &first || Text(first, "object") == "error";
}

// A google.protobuf.Duration in JSON: "37s", "1.5s".
milliseconds ParseDuration(const std::string& text) {
  double seconds = 0;
  if (!absl::EndsWith(text, "s") || !absl::SimpleAtod(text.substr(0, text.size() - 1), &seconds) ||
      !(seconds > 0)) {
    return milliseconds(0);
  }
  const double longest = static_cast<double>(kLongestDelay.count());
  return milliseconds(static_cast<std::int64_t>(std::min(std::ceil(seconds * 1000), longest)));
}

// RFC 9110, 10.2.3: seconds or an HTTP date.
milliseconds ParseRetryAfter(const std::string& text, std::chrono::system_clock::time_point now) {
  std::int64_t seconds = 0;
  if (!absl::SimpleAtoi(text, &seconds)) {
    const std::time_t date = text.empty() ? -1 : curl_getdate(text.c_str(), nullptr);
    if (date == -1) return milliseconds(0);
    seconds = date - std::chrono::system_clock::to_time_t(now);
  }
  const auto longest = std::chrono::duration_cast<std::chrono::seconds>(kLongestDelay).count();
  return milliseconds(1000 * std::clamp<std::int64_t>(seconds, 0, longest));
}

// google.rpc details: ErrorInfo, RetryInfo, QuotaFailure.
void ReadDetails(const Json& details, Words& words) {
  if (!details.IsArray()) return;
  for (const Json& detail : details.GetArray()) {
    if (Text(detail, "reason") == "API_KEY_INVALID") words.bad_key = true;
    words.delay = std::max(words.delay, ParseDuration(Text(detail, "retryDelay")));
    const Json* violations = Member(detail, "violations");
    if (!violations || !violations->IsArray()) continue;
    for (const Json& violation : violations->GetArray()) {
      if (absl::StrContains(Text(violation, "quotaId"), "PerDay")) words.per_day = true;
    }
  }
}

// llama.cpp says it by its type, OpenAI by its code, vLLM and Gemini in words only.
bool SaysOverContext(const Json& error, const std::string& message) {
  return Text(error, "type") == "exceed_context_size_error" ||
         Text(error, "code") == "context_length_exceeded" ||
         absl::StrContains(message, "maximum context length") ||
         absl::StrContains(message, "exceeds the maximum number of tokens");
}

Words WordsOf(std::string_view body) {
  Words words;
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
  if (document.HasParseError()) return words;
  words.json = true;
  const Json& error = ErrorIn(document);
  if (error.IsString()) {  // Ollama
    words.message.assign(error.GetString(), error.GetStringLength());
    return words;
  }
  words.message = Text(error, "message");
  if (words.message.empty()) words.message = Text(error, "detail");  // FastAPI
  if (const Json* code = Member(error, "code")) {
    if (code->IsInt()) words.code = code->GetInt();
    if (code->IsString() && !absl::SimpleAtoi(code->GetString(), &words.code)) words.code = 0;
  }
  words.over_context = SaysOverContext(error, words.message);
  if (const Json* details = Member(error, "details")) ReadDetails(*details, words);
  return words;
}

ErrorCode CodeOf(int status, const Words& words) {
  if (words.bad_key || status == 401 || status == 403) return ErrorCode::kUpstreamAuth;
  if (status == 429) return ErrorCode::kUpstreamQuota;
  if (status == 408 || status == 499 || status >= 500) return ErrorCode::kUpstreamUnavailable;
  return words.over_context ? ErrorCode::kInputTooLarge : ErrorCode::kUpstreamRejected;
}

std::string Advice(const config::Target& target, const std::string& model, ErrorCode code,
                   int status) {
  if (code == ErrorCode::kUpstreamAuth) {
    return target.key.empty() ? " (no key was sent: set " + target.key_env + ")"
                              : " (the key is that of " + target.key_env + ")";
  }
  if (status == 404) {
    if (!model.empty()) return " (the request names the model)";
    return " (the model is \"" + target.model + "\": " + KeyName(target, TargetField::kModel) +
           " in models.yaml)";
  }
  return "";
}

absl::Status ErrorOfWords(const config::Target& target, const std::string& model, int status,
                          const std::string& what, const Words& words) {
  const ErrorCode code = CodeOf(status, words);
  const std::string own_words = target.name + ": " + what;
  const std::string advice = Advice(target, model, code, status);
  std::string said = Quotable(target, words.message, kLongestWords);
  if (!said.empty()) said = ": " + said;
  const bool per_day = code == ErrorCode::kUpstreamQuota && words.per_day;
  const std::string message = own_words + said + advice;
  absl::Status error = MakeError(code, message, per_day ? milliseconds(0) : words.delay);
  if (per_day) error = NotRetryable(error);
  return WithMessage(error, message, own_words + advice);
}

// The host of a Location header, which may be relative: then it is empty.
std::string_view HostOf(std::string_view location) {
  const std::size_t slashes = location.find("//");
  if (slashes == std::string_view::npos || slashes > location.find_first_of("?#")) return "";
  const std::string_view rest = location.substr(slashes + 2);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  const std::size_t user = authority.rfind('@');
  return user == std::string_view::npos ? authority : authority.substr(user + 1);
}

}  // namespace

absl::Status ErrorOfRefusal(const config::Target& target, const Refusal& refusal,
                            std::chrono::system_clock::time_point now) {
  const std::string http = "HTTP " + std::to_string(refusal.status);
  if (refusal.status < 400) {
    const std::string host = Quotable(target, HostOf(refusal.location), kLongestExcerpt);
    return MakeError(ErrorCode::kUpstreamRejected,
                     target.name + ": " + http + ": redirect to " +
                         (host.empty() ? "another path of the same host" : host) +
                         ", which is not followed (" + KeyName(target, TargetField::kUrl) +
                         " in models.yaml)");
  }
  Words words = WordsOf(refusal.body);
  words.delay = std::max(words.delay, ParseRetryAfter(refusal.retry_after, now));
  const bool foreign = !words.json && !refusal.body.empty();
  return ErrorOfWords(target, refusal.model, refusal.status,
                      foreign ? http + " (its body is not JSON)" : http, words);
}

bool IsErrorObject(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  return !document.HasParseError() && HasError(document);
}

absl::Status ErrorOfObject(const config::Target& target, std::string_view json) {
  Words words = WordsOf(json);
  if (!words.json) words.message = Quotable(target, json, kLongestExcerpt);
  const bool is_status = words.code >= 400 && words.code < 600;
  const std::string what = "error in the answer";
  return is_status
             ? ErrorOfWords(target, "", words.code, what + " " + std::to_string(words.code), words)
             : ErrorOfWords(target, "", 500, what, words);
}

absl::Status ProtocolError(const config::Target& target, const std::string& what,
                           std::string_view got) {
  const std::string own_words = target.name + ": " + what;
  const absl::Status error = MakeError(ErrorCode::kUpstreamProtocol, own_words);
  if (got.empty()) return error;
  return WithMessage(error, own_words + ": " + Quotable(target, got, kLongestExcerpt), own_words);
}

absl::Status MissingKey(const config::Target& target) {
  return MakeError(ErrorCode::kUpstreamAuth,
                   target.name + ": no API key: set " + target.key_env + " and start again");
}

std::string Quotable(const config::Target& target, std::string_view text, std::size_t bytes) {
  std::string quoted(text.substr(0, 2 * bytes));
  if (!target.key.empty()) quoted = absl::StrReplaceAll(quoted, {{target.key, "***"}});
  for (char& c : quoted) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) c = ' ';
  }
  utf8::Repair(quoted);
  utf8::Truncate(quoted, bytes);
  return quoted;
}

std::string KeyName(const config::Target& target, TargetField field) {
  const bool gemini = target.api == config::Target::Api::kGemini;
  const char* model = gemini ? "model" : "alias";
  const char* url = gemini ? "base_url" : "url";
  return (gemini ? "llm.api." : "llm.servers.") + target.name + "." +
         (field == TargetField::kModel ? model : url);
}

}  // namespace luna::llm
