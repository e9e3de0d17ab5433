#include "server/http/openai_json.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "server/base/error.h"
#include "server/http/json.h"

namespace luna::http {
namespace {

std::string Head(const Completion& completion, const char* object, const std::string& model) {
  std::string json = absl::StrCat("{\"id\":\"chatcmpl-", completion.id, "\",\"object\":\"", object,
                                  "\",\"created\":", completion.created, ",\"model\":");
  AppendString(model, json);
  json += ",\"choices\":[";
  return json;
}

// What the model thought counts as written, as OpenAI counts it.
std::string UsageJson(const v1::Usage& usage) {
  const int written =
      std::max(usage.completion_tokens(), usage.total_tokens() - usage.prompt_tokens());
  return absl::StrCat(
      "{\"prompt_tokens\":", usage.prompt_tokens(), ",\"completion_tokens\":", written,
      ",\"total_tokens\":", usage.prompt_tokens() + written,
      ",\"completion_tokens_details\":{\"reasoning_tokens\":", usage.thoughts_tokens(), "}}");
}

struct Named {
  ErrorCode code;
  const char* type;
  const char* openai;
};

constexpr char kInvalidRequest[] = "invalid_request_error";
constexpr std::array<Named, 7> kNamed{{
    {ErrorCode::kUnauthenticated, kInvalidRequest, "invalid_api_key"},
    {ErrorCode::kUnknownTarget, kInvalidRequest, "model_not_found"},
    {ErrorCode::kInputTooLarge, kInvalidRequest, "context_length_exceeded"},
    {ErrorCode::kContentBlocked, kInvalidRequest, "content_filter"},
    {ErrorCode::kOverloaded, "rate_limit_error", "rate_limit_exceeded"},
    {ErrorCode::kUpstreamQuota, "rate_limit_error", "rate_limit_exceeded"},
    {ErrorCode::kInvalidInput, kInvalidRequest, "invalid_value"},
}};

// The field that a message begins with, such as `messages[0].role`; empty where it is none.
std::string_view FieldIn(const std::string& message) {
  const auto* const end = std::find_if(message.data(), message.data() + message.size(), [](char c) {
    return !absl::ascii_islower(static_cast<unsigned char>(c)) && !absl::StrContains("_.[]", c) &&
           !absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
  const std::string_view field(message.data(), static_cast<std::size_t>(end - message.data()));
  const bool is_field = message.substr(field.size(), 2) == ": " && field != "body" &&
                        field != "method" && field != "header";
  return is_field ? field : std::string_view();
}

}  // namespace

std::string CompletionJson(const Completion& completion, const v1::GenerateResponse& answer) {
  std::string json = Head(completion, "chat.completion", answer.model());
  json += "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":";
  AppendString(answer.content(), json);
  absl::StrAppend(&json, ",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"",
                  answer.finish_reason(), "\"}],\"usage\":", UsageJson(answer.usage()), "}");
  return json;
}

std::string ChunkJson(const Completion& completion, const v1::GenerateStreamResponse& part,
                      bool first, bool null_usage) {
  const v1::GenerateChoice& choice = part.choices(0);
  std::string json = Head(completion, "chat.completion.chunk", part.model());
  json += "{\"index\":0,\"delta\":{";
  if (first) json += "\"role\":\"assistant\",";
  if (!choice.has_finish_reason()) {
    json += "\"content\":";
    AppendString(choice.delta().content(), json);
    json += "},\"finish_reason\":null}]";
  } else {
    absl::StrAppend(&json, "},\"finish_reason\":\"", choice.finish_reason(), "\"}]");
  }
  json += null_usage ? ",\"usage\":null}" : "}";
  return json;
}

std::string UsageChunkJson(const Completion& completion, const v1::GenerateStreamResponse& last) {
  return absl::StrCat(Head(completion, "chat.completion.chunk", last.model()),
                      "],\"usage\":", UsageJson(last.usage()), "}");
}

std::string OpenAiErrorBody(const v1::Error& error) {
  const bool server = HttpStatus(error) >= 500;
  std::string type = server ? "server_error" : kInvalidRequest;
  std::string code = error.code();
  for (const Named& named : kNamed) {
    if (error.code() != Name(named.code)) continue;
    type = named.type;
    code = named.openai;
  }
  if (error.code() == Name(ErrorCode::kUpstreamQuota) && !error.retryable()) {
    type = code = "insufficient_quota";
  }
  std::string param;
  if (error.code() == Name(ErrorCode::kUnknownTarget)) param = "model";
  if (error.code() == Name(ErrorCode::kInvalidInput)) param = FieldIn(error.message());

  std::string json = "{\"error\":{\"message\":";
  AppendString(error.message(), json);
  absl::StrAppend(&json, ",\"type\":\"", type, "\",\"param\":");
  absl::StrAppend(&json, param.empty() ? "null" : absl::StrCat("\"", param, "\""), ",\"code\":\"",
                  code, "\"}}");
  return json;
}

int OpenAiStatus(const v1::Error& error) {
  return error.code() == Name(ErrorCode::kInputTooLarge) ? 400 : HttpStatus(error);
}

}  // namespace luna::http
