#include "server/http/json.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include <absl/strings/str_cat.h>
#include <boost/url/parse_query.hpp>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "google/rpc/error_details.pb.h"
#include "server/base/error.h"
#include "server/base/exact_json.h"
#include "server/base/utf8.h"

namespace luna::http {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Merges `json` into `message`.
absl::Status Merge(const std::string& json, const char* place, Message& message) {
  const std::unique_ptr<Message> part(message.New());
  const auto status = google::protobuf::util::JsonStringToMessage(json, part.get());
  if (!status.ok()) {
    return MakeError(ErrorCode::kInvalidInput,
                     absl::StrCat(place, ": ", std::string(status.message())));
  }
  message.MergeFrom(*part);
  return absl::OkStatus();
}

// Fills `message` from texts, truth values and objects of them, which is all that most requests
// hold, at a tenth of the cost of protobuf's own mapping. False, with some of it filled: there is
// more in it.
bool FillPlain(const rapidjson::Value& json, Message& message) {
  const auto* reflection = message.GetReflection();
  for (const auto& member : json.GetObject()) {
    const std::string name(member.name.GetString(), member.name.GetStringLength());
    const auto* field = message.GetDescriptor()->FindFieldByName(name);
    const rapidjson::Value& value = member.value;
    if (field == nullptr || field->is_repeated()) return false;
    const auto* oneof = field->containing_oneof();  // of an optional field, too
    if (oneof != nullptr && reflection->HasOneof(message, oneof)) return false;
    if (field->type() == FieldDescriptor::TYPE_STRING && value.IsString()) {
      std::string text(value.GetString(), value.GetStringLength());
      if (!utf8::IsValid(text)) return false;  // half of a surrogate pair
      reflection->SetString(&message, field, std::move(text));
    } else if (field->type() == FieldDescriptor::TYPE_BOOL && value.IsBool()) {
      reflection->SetBool(&message, field, value.GetBool());
    } else if (field->type() == FieldDescriptor::TYPE_MESSAGE && value.IsObject() &&
               field->message_type()->file()->package() == "luna.v1") {
      if (!FillPlain(value, *reflection->MutableMessage(&message, field))) return false;
    } else {
      return false;
    }
  }
  return true;
}

const FieldDescriptor* Misplaced(const rapidjson::Value& json, const FieldDescriptor& field);

// The first field whose value has the wrong shape, which protobuf lets pass here and there: no list
// where the field is one, an object that is no message of luna's. What is no field, or is null, has
// none.
const FieldDescriptor* FindMisplaced(const rapidjson::Value& json, const Descriptor& descriptor) {
  for (const auto& member : json.GetObject()) {
    const std::string name(member.name.GetString(), member.name.GetStringLength());
    const auto* field = descriptor.FindFieldByName(name);
    if (field == nullptr) field = descriptor.FindFieldByCamelcaseName(name);
    if (field == nullptr || field->is_map() || member.value.IsNull()) continue;
    if (!field->is_repeated()) {
      if (const auto* wrong = Misplaced(member.value, *field)) return wrong;
      continue;
    }
    if (!member.value.IsArray()) return field;
    for (const auto& item : member.value.GetArray()) {
      if (const auto* wrong = Misplaced(item, *field)) return wrong;
    }
  }
  return nullptr;
}

// The same of one of what a field holds.
const FieldDescriptor* Misplaced(const rapidjson::Value& json, const FieldDescriptor& field) {
  const Descriptor* message = field.message_type();
  if (message != nullptr && message->file()->package() != "google.protobuf") {
    return json.IsObject() ? FindMisplaced(json, *message) : &field;
  }
  return json.IsObject() || json.IsArray() || json.IsNull() ? &field : nullptr;
}

using Allocator = rapidjson::Document::AllocatorType;

// Puts a value that came as text at its field's place in `json`, for protobuf's own mapping to
// read. What is no field is put there under its name, so that the mapping refuses it by name.
void Put(const Descriptor& descriptor, std::string_view path, std::string_view value,
         rapidjson::Value& json, Allocator& allocator) {
  const auto copy = [&](std::string_view text) {
    return rapidjson::Value(text.data(), static_cast<rapidjson::SizeType>(text.size()), allocator);
  };
  const std::size_t dot = path.find('.');
  const std::string name(path.substr(0, dot));
  const FieldDescriptor* field = descriptor.FindFieldByName(name);
  if (field == nullptr) field = descriptor.FindFieldByCamelcaseName(name);
  if (field == nullptr) {
    json.AddMember(copy(path), copy(value), allocator);
    return;
  }
  if (!json.HasMember(field->name().c_str())) {
    json.AddMember(copy(field->name()), rapidjson::Value(), allocator);
  }
  rapidjson::Value& place = json[field->name().c_str()];
  if (field->is_repeated()) {
    if (!place.IsArray()) place.SetArray();
    place.PushBack(copy(value), allocator);
  } else if (dot != std::string_view::npos && field->message_type() != nullptr) {
    if (!place.IsObject()) place.SetObject();
    Put(*field->message_type(), path.substr(dot + 1), value, place, allocator);
  } else {
    place = copy(value);
  }
}

std::string Write(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

// Clients that split lines naively break on U+0085, U+2028 and U+2029. If one stands at `place`,
// appends its escape and returns its length, else 0.
std::size_t EscapeLineBreak(std::string_view text, std::size_t place, std::string& json) {
  const std::string_view rest = text.substr(place, 3);
  if (rest == "\u2028") {
    json += "\\u2028";
    return 3;
  }
  if (rest == "\u2029") {
    json += "\\u2029";
    return 3;
  }
  if (rest.substr(0, 2) == "\u0085") {
    json += "\\u0085";
    return 2;
  }
  return 0;
}

// As Python's json.dumps spaces it, without line breaks that JSON allows in a string.
std::string Spaced(std::string_view compact) {
  std::string spaced;
  bool in_string = false;
  for (std::size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[i];
    if (const std::size_t escaped = EscapeLineBreak(compact, i, spaced)) {
      i += escaped - 1;
      continue;
    }
    spaced += c;
    if (in_string && c == '\\') {
      spaced += compact[++i];
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && (c == ',' || c == ':')) {
      spaced += ' ';
    }
  }
  return spaced;
}

// Whether AppendString copies the byte as it is. 0xC2 and 0xE2 begin what EscapeLineBreak looks
// for.
bool StandsForItself(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0xC2 && byte != 0xE2;
}

// The event's fields beside `type` and `data`, as `, "name": value` each.
std::string Details(const v1::InteractResponse& event, const char* type, const char* data_field) {
  rapidjson::Document all;
  ParseExactly(ToJson(event), all);
  rapidjson::Value fields = all[type].GetObject();
  fields.EraseMember(data_field);
  if (event.has_emotion()) fields.EraseMember("confidence");
  rapidjson::Value details(rapidjson::kObjectType);
  for (const char* name : {"sequence", "created_at"}) {
    details.AddMember(rapidjson::StringRef(name), all[name], all.GetAllocator());
  }
  for (auto& field : fields.GetObject()) {
    details.AddMember(field.name, field.value, all.GetAllocator());
  }
  const std::string json = Spaced(Write(details));
  return ", " + json.substr(1, json.size() - 2);
}

}  // namespace

// Protobuf's own parser lets single quotes and bare keys pass.
absl::Status ParseObject(const std::string& json, rapidjson::Document& parsed) {
  if (!utf8::IsValid(json)) {
    return MakeError(ErrorCode::kInvalidInput, "body: not UTF-8");
  }
  if (json.find('\0') != std::string::npos) {  // which RapidJSON takes for the end
    return MakeError(ErrorCode::kInvalidInput, "body: not JSON: a NUL");
  }
  const rapidjson::ParseResult result = ParseExactly(json, parsed);
  if (result.IsError()) {
    return MakeError(ErrorCode::kInvalidInput,
                     absl::StrCat("body: not JSON at byte ", result.Offset(), ": ",
                                  rapidjson::GetParseError_En(result.Code())));
  }
  if (!parsed.IsObject()) {
    return MakeError(ErrorCode::kInvalidInput, "body: expected a JSON object");
  }
  return absl::OkStatus();
}

void AppendString(std::string_view text, std::string& json) {
  static constexpr char kHex[] = "0123456789abcdef";
  json += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto* plain = std::find_if_not(text.begin() + i, text.end(), StandsForItself);
    json.append(text.begin() + i, plain);
    i = static_cast<std::size_t>(plain - text.begin());
    if (i == text.size()) break;
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      json += '\\';
      json += text[i];
    } else if (c == '\n') {
      json += "\\n";
    } else if (c == '\r') {
      json += "\\r";
    } else if (c == '\t') {
      json += "\\t";
    } else if (c < 0x20) {
      json += "\\u00";
      json += kHex[c >> 4];
      json += kHex[c & 15];
    } else if (const std::size_t escaped = c < 0x80 ? 0 : EscapeLineBreak(text, i, json)) {
      i += escaped - 1;
    } else {
      json += text[i];
    }
  }
  json += '"';
}

absl::Status ReadMessage(const Route& route, const std::string& body, std::string_view query,
                         const std::map<std::string, std::string>& variables, Message& message) {
  const Descriptor& descriptor = *message.GetDescriptor();
  if ((route.body != "*" || body.empty()) && !query.empty()) {
    const std::string terminated(query);  // Boost 1.81 reads on to the next NUL
    const auto parameters = boost::urls::parse_query(terminated);
    if (!parameters) return MakeError(ErrorCode::kInvalidInput, "query: badly encoded");
    boost::urls::encoding_opts form;
    form.space_as_plus = true;
    rapidjson::Document json(rapidjson::kObjectType);
    for (const auto& parameter : *parameters) {
      Put(descriptor, parameter->key.decode(form), parameter->value.decode(form), json,
          json.GetAllocator());
    }
    if (absl::Status bad = Merge(Write(json), "query", message); !bad.ok()) return bad;
  }
  if (route.takes_file) {
    const FieldDescriptor* field = descriptor.FindFieldByName(route.body);
    message.GetReflection()->SetString(&message, field, body);
  } else if (!route.body.empty() && !body.empty()) {
    rapidjson::Document parsed;
    if (absl::Status bad = ParseObject(body, parsed); !bad.ok()) return bad;
    const bool whole = route.body == "*";
    if (whole && variables.empty()) {
      if (FillPlain(parsed, message)) return absl::OkStatus();
      message.Clear();
    }
    const FieldDescriptor* field = whole ? nullptr : descriptor.FindFieldByName(route.body);
    const FieldDescriptor* wrong =
        whole ? FindMisplaced(parsed, descriptor) : Misplaced(parsed, *field);
    if (wrong != nullptr) {
      return MakeError(ErrorCode::kInvalidInput,
                       absl::StrCat("body: ", wrong->name(), ": expected ",
                                    wrong->is_repeated() ? "a list" : "another kind of value"));
    }
    const std::string json = whole ? body : absl::StrCat("{\"", route.body, "\":", body, "}");
    if (absl::Status bad = Merge(json, "body", message); !bad.ok()) return bad;
  }
  if (variables.empty()) return absl::OkStatus();
  rapidjson::Document json(rapidjson::kObjectType);
  for (const auto& [name, value] : variables) {
    Put(descriptor, name, value, json, json.GetAllocator());
    if (const FieldDescriptor* field = descriptor.FindFieldByName(name)) {
      message.GetReflection()->ClearField(&message, field);
    }
  }
  return Merge(Write(json), "path", message);
}

std::string ToJson(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) throw std::logic_error(std::string(status.message()));
  return json;
}

std::string ResponseBody(const Route& route, const Message& message) {
  if (route.response_body.empty()) return ToJson(message);
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(route.response_body);
  return ToJson(message.GetReflection()->GetMessage(message, field));
}

std::string ErrorBody(const v1::Error& error) {
  std::string body = absl::StrCat("{\"code\":", static_cast<int>(GrpcCode(error)), ",\"message\":");
  AppendString(error.message(), body);
  absl::StrAppend(&body,
                  ",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\","
                  "\"reason\":\"",
                  error.code(), "\",\"domain\":\"luna\"}");
  if (error.retry_after_ms() > 0) {
    google::rpc::RetryInfo retry;
    *retry.mutable_retry_delay() =
        google::protobuf::util::TimeUtil::MillisecondsToDuration(error.retry_after_ms());
    absl::StrAppend(&body, ",{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",",
                    ToJson(retry).substr(1));
  }
  body += "]}";
  return body;
}

const char* DataField(v1::InteractResponse::EventCase event) {
  switch (event) {
    case v1::InteractResponse::kEmotion:
      return "emotion";
    case v1::InteractResponse::kError:
      return "message";
    default:
      return "text";
  }
}

void AppendSseFrame(const v1::InteractResponse& event, bool details, std::string& frame) {
  const auto* kind = event.GetDescriptor()->FindFieldByNumber(event.event_case());
  absl::StrAppend(&frame, "data: {\"type\": \"", kind->name(), "\", \"data\": ");
  switch (event.event_case()) {
    case v1::InteractResponse::kEmotion: {
      v1::Emotion label = event.emotion();
      label.clear_top();
      rapidjson::Document json;
      ParseExactly(ToJson(label), json);
      json.RemoveMember("top");
      frame += Spaced(Write(json));
      break;
    }
    case v1::InteractResponse::kError:
      AppendString(event.error().message(), frame);
      break;
    case v1::InteractResponse::kTranslation:
      AppendString(event.translation().text(), frame);
      break;
    case v1::InteractResponse::kLlmChunk:
      AppendString(event.llm_chunk().text(), frame);
      break;
    default:
      AppendString(event.complete().text(), frame);
      break;
  }
  if (details) frame += Details(event, kind->name().c_str(), DataField(event.event_case()));
  frame += "}\n\n";
}

}  // namespace luna::http
