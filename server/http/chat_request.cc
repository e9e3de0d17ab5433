#include "server/http/chat_request.h"

#include <array>
#include <cstring>

#include <absl/strings/str_cat.h>
#include <rapidjson/document.h>

#include "server/base/error.h"
#include "server/base/utf8.h"
#include "server/http/json.h"

namespace luna::http {
namespace {

using Json = rapidjson::Value;

absl::Status Wrong(const std::string& field, const std::string& what) {
  return MakeError(ErrorCode::kInvalidInput, absl::StrCat(field, ": ", what));
}

absl::Status NotSupported(const std::string& field) {
  return Wrong(field, "luna does not support it; leave it out");
}

bool Is(const Json& value, const char* text) {
  return value.IsString() && std::strcmp(value.GetString(), text) == 0;
}

bool IsEmpty(const Json& value) { return value.IsArray() && value.Empty(); }
bool IsZero(const Json& value) { return value.IsNumber() && value.GetDouble() == 0; }
bool IsNoChoice(const Json& value) { return Is(value, "none") || Is(value, "auto"); }
bool IsText(const Json& value) {
  return value.IsObject() && value.HasMember("type") && Is(value["type"], "text");
}
bool IsTextOnly(const Json& value) {
  return value.IsArray() && value.Size() == 1 && Is(value[0], "text");
}
bool Never(const Json&) { return false; }

// What changes the answer in a way that luna cannot honour, and which value of it does not.
struct Unsupported {
  const char* field;
  bool (*changes_nothing)(const Json&);
};
constexpr std::array<Unsupported, 22> kUnsupported{{
    {"tools", IsEmpty},
    {"tool_choice", IsNoChoice},
    {"functions", IsEmpty},
    {"function_call", IsNoChoice},
    {"n", [](const Json& value) { return value.IsInt() && value.GetInt() == 1; }},
    {"response_format", IsText},
    {"logprobs", [](const Json& value) { return value.IsFalse(); }},
    {"top_logprobs", IsZero},
    {"logit_bias", [](const Json& value) { return value.IsObject() && value.ObjectEmpty(); }},
    {"presence_penalty", IsZero},
    {"frequency_penalty", IsZero},
    {"modalities", IsTextOnly},
    {"audio", Never},
    {"web_search_options", Never},
    {"reasoning_effort", Never},
    {"verbosity", Never},
    // Of llama.cpp and vLLM:
    {"grammar", Never},
    {"json_schema", Never},
    {"guided_json", Never},
    {"guided_regex", Never},
    {"guided_choice", Never},
    {"guided_grammar", Never},
}};

// The member of that name; nullptr where it is null or not there.
const Json* Find(const Json& object, const char* name) {
  const auto member = object.FindMember(name);
  return member == object.MemberEnd() || member->value.IsNull() ? nullptr : &member->value;
}

absl::Status ReadText(const Json& value, const std::string& field, std::string& text) {
  if (!value.IsString()) return Wrong(field, "expected a string");
  text.assign(value.GetString(), value.GetStringLength());
  if (!utf8::IsValid(text)) return Wrong(field, "half of a surrogate pair");
  return absl::OkStatus();
}

// Of a field that is not there nothing is read.
template <class Set>
absl::Status ReadMember(const Json& object, const char* name, const char* expected,
                        bool (Json::*is)() const, Set set) {
  const Json* value = Find(object, name);
  if (value == nullptr) return absl::OkStatus();
  if (!(value->*is)()) return Wrong(name, absl::StrCat("expected ", expected));
  set(*value);
  return absl::OkStatus();
}

absl::Status ReadSampling(const Json& json, v1::GenerateRequest& request) {
  const auto set_most = [&](const Json& value) { request.set_max_tokens(value.GetInt()); };
  absl::Status status = ReadMember(json, "temperature", "a number", &Json::IsNumber,
                                   [&](auto& v) { request.set_temperature(v.GetDouble()); });
  if (status.ok()) {
    status = ReadMember(json, "top_p", "a number", &Json::IsNumber,
                        [&](auto& v) { request.set_top_p(v.GetDouble()); });
  }
  if (status.ok()) {
    status = ReadMember(json, "max_tokens", "a whole number", &Json::IsInt, set_most);
  }
  if (status.ok()) {  // its newer name
    status = ReadMember(json, "max_completion_tokens", "a whole number", &Json::IsInt, set_most);
  }
  if (status.ok()) {
    status = ReadMember(json, "seed", "a whole number of 32 bits", &Json::IsInt,
                        [&](auto& v) { request.set_seed(v.GetInt()); });
  }
  return status;
}

absl::Status ReadStop(const Json& json, v1::GenerateRequest& request) {
  const Json* stop = Find(json, "stop");
  if (stop == nullptr) return absl::OkStatus();
  if (!stop->IsArray()) return ReadText(*stop, "stop", *request.add_stop());
  for (rapidjson::SizeType i = 0; i < stop->Size(); ++i) {
    const absl::Status wrong =
        ReadText((*stop)[i], absl::StrCat("stop[", i, "]"), *request.add_stop());
    if (!wrong.ok()) return wrong;
  }
  return absl::OkStatus();
}

// A text, or parts of which each is one.
absl::Status ReadContent(const Json& content, const std::string& field, std::string& text) {
  if (!content.IsArray()) return ReadText(content, field, text);
  for (rapidjson::SizeType i = 0; i < content.Size(); ++i) {
    const Json& part = content[i];
    const std::string place = absl::StrCat(field, "[", i, "]");
    if (!part.IsObject()) return Wrong(place, "expected an object");
    const Json* type = Find(part, "type");
    if (type == nullptr || !type->IsString()) return Wrong(place + ".type", "expected a string");
    if (!IsText(part)) return NotSupported(place + ".type");
    const Json* piece = Find(part, "text");
    if (piece == nullptr) return Wrong(place + ".text", "expected a string");
    std::string more;
    const absl::Status wrong = ReadText(*piece, place + ".text", more);
    if (!wrong.ok()) return wrong;
    text += more;
  }
  return absl::OkStatus();
}

absl::Status ReadMessages(const Json& json, v1::GenerateRequest& request) {
  const Json* messages = Find(json, "messages");
  if (messages == nullptr || !messages->IsArray() || messages->Empty()) {
    return Wrong("messages", "expected an array of at least one");
  }
  for (rapidjson::SizeType i = 0; i < messages->Size(); ++i) {
    const Json& message = (*messages)[i];
    const std::string field = absl::StrCat("messages[", i, "]");
    if (!message.IsObject()) return Wrong(field, "expected an object");
    for (const char* name : {"tool_calls", "function_call", "audio"}) {
      const Json* value = Find(message, name);
      if (value != nullptr && !IsEmpty(*value)) return NotSupported(field + "." + name);
    }
    const Json* role = Find(message, "role");
    const Json* content = Find(message, "content");
    if (role == nullptr) return Wrong(field + ".role", "expected a string");
    if (content == nullptr) return Wrong(field + ".content", "expected a string or parts");
    v1::ChatMessage& read = *request.add_messages();
    absl::Status wrong = ReadText(*role, field + ".role", *read.mutable_role());
    if (wrong.ok()) wrong = ReadContent(*content, field + ".content", *read.mutable_content());
    if (!wrong.ok()) return wrong;
  }
  return absl::OkStatus();
}

absl::Status ReadStream(const Json& json, ChatRequest& chat) {
  absl::Status status = ReadMember(json, "stream", "true or false", &Json::IsBool,
                                   [&](auto& value) { chat.stream = value.GetBool(); });
  if (!status.ok()) return status;
  const Json* options = Find(json, "stream_options");
  if (options == nullptr) return absl::OkStatus();
  if (!options->IsObject()) return Wrong("stream_options", "expected an object");
  return ReadMember(*options, "include_usage", "true or false", &Json::IsBool,
                    [&](auto& value) { chat.include_usage = value.GetBool(); });
}

}  // namespace

absl::StatusOr<ChatRequest> ReadChatRequest(const std::string& body) {
  rapidjson::Document json;
  absl::Status status = ParseObject(body, json);
  if (!status.ok()) return status;
  for (const Unsupported& unsupported : kUnsupported) {
    const Json* value = Find(json, unsupported.field);
    if (value != nullptr && !unsupported.changes_nothing(*value)) {
      return NotSupported(unsupported.field);
    }
  }
  ChatRequest chat;
  v1::GenerateRequest& request = chat.generate;
  request.set_language("en");
  status = ReadMessages(json, request);
  if (status.ok()) status = ReadSampling(json, request);
  if (status.ok()) status = ReadStop(json, request);
  if (status.ok()) status = ReadStream(json, chat);
  if (const Json* model = Find(json, "model"); status.ok() && model != nullptr) {
    status = ReadText(*model, "model", *request.mutable_target());
  }
  if (status.ok()) {  // luna's own
    status = ReadMember(json, "skip_cache", "true or false", &Json::IsBool,
                        [&](auto& value) { request.set_skip_cache(value.GetBool()); });
  }
  if (const Json* user = Find(json, "user"); status.ok() && user != nullptr) {
    status = ReadText(*user, "user", *request.mutable_user_id());
  }
  if (!status.ok()) return status;
  return chat;
}

}  // namespace luna::http
