#include "server/http/openapi_schemas.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include <absl/strings/str_cat.h>

#include "luna/v1/interaction.pb.h"
#include "server/http/json.h"
#include "server/http/openapi_limits.h"

namespace luna::http {
namespace {

// As IsBlank of server/interaction/checks.h.
constexpr char kNotBlank[] = "[^ \\t\\r\\n\\f\\v]";
constexpr char kFrames[] = "InteractFrame";

std::string FrameName(const google::protobuf::FieldDescriptor& event) {
  return event.message_type()->name() + "Frame";
}

void WriteNumber(const char* key, const std::optional<int>& number, JsonWriter& writer) {
  if (!number) return;
  writer.Key(key);
  writer.Int(*number);
}

void WriteTexts(const char* key, const std::vector<std::string>& texts, JsonWriter& writer) {
  if (texts.empty()) return;
  writer.Key(key);
  writer.StartArray();
  for (const std::string& text : texts) writer.String(text);
  writer.EndArray();
}

void WriteLimits(const Limit& limit, JsonWriter& writer) {
  if (limit.text == Limit::Text::kNotEmpty) WriteNumber("minLength", 1, writer);
  if (limit.text == Limit::Text::kNotBlank) WriteText("pattern", kNotBlank, writer);
  WriteNumber("maxLength", limit.most_bytes, writer);
  WriteNumber("minimum", limit.least, writer);
  WriteNumber("maximum", limit.most, writer);
  WriteTexts("enum", limit.values, writer);
  if (limit.only_true) {
    writer.Key("enum");
    writer.StartArray();
    writer.Bool(true);
    writer.EndArray();
  }
}

}  // namespace

void WriteText(const char* key, const std::string& text, JsonWriter& writer) {
  writer.Key(key);
  writer.String(text);
}

void WriteDescription(const std::string& text, JsonWriter& writer) {
  if (!text.empty()) WriteText("description", text, writer);
}

void WriteRef(const char* kind, const std::string& name, JsonWriter& writer) {
  writer.StartObject();
  WriteText("$ref", absl::StrCat("#/components/", kind, "/", name), writer);
  writer.EndObject();
}

OpenApiSchemas::OpenApiSchemas(const std::vector<const Message*>& responses,
                               const ProtoComments& comments, JsonWriter& writer)
    : comments_(comments), writer_(writer) {
  for (const Message* message : responses) AddResponse(*message);
}

void OpenApiSchemas::AddResponse(const Message& message) {
  if (!responses_.insert(&message).second) return;
  for (int i = 0; i < message.field_count(); ++i) {
    if (const Message* inner = message.field(i)->message_type()) AddResponse(*inner);
  }
}

// The package's part of the name is left out. A message on both sides has two forms.
std::string OpenApiSchemas::NameOf(const Message& message, Side side) const {
  const std::string& package = message.file()->package();
  const std::string name = message.full_name().substr(package.empty() ? 0 : package.size() + 1);
  return side == Side::kRequest && responses_.contains(&message) ? name + "Input" : name;
}

void OpenApiSchemas::WriteMessage(const Message& message, Side side) {
  if (known_.emplace(&message, side).second) to_write_.emplace_back(&message, side);
  WriteRef("schemas", NameOf(message, side), writer_);
}

// `"NAME": {...}`
void OpenApiSchemas::WriteDescribed(const Field& field, Side side) {
  writer_.Key(field.name().c_str());
  WriteField(field, side, comments_.Of(field));
}

void OpenApiSchemas::WriteField(const Field& field, Side side, const std::string& description) {
  if (!field.is_repeated()) return WriteValue(field, side, description);
  writer_.StartObject();
  WriteText("type", field.is_map() ? "object" : "array", writer_);
  WriteDescription(description, writer_);
  if (field.is_map()) {
    writer_.Key("additionalProperties");
    WriteValue(*field.message_type()->FindFieldByName("value"), side, "");
  } else {
    const Limit* limit = side == Side::kRequest ? FindLimit(field) : nullptr;
    if (limit != nullptr) WriteNumber("maxItems", limit->most_items, writer_);
    writer_.Key("items");
    WriteValue(field, side, "");
  }
  writer_.EndObject();
}

// One of what a field holds. A reference has no room for a description.
void OpenApiSchemas::WriteValue(const Field& field, Side side, const std::string& description) {
  const Message* message = field.message_type();
  if (message != nullptr && message->file()->package() != "google.protobuf") {
    return WriteMessage(*message, side);
  }
  writer_.StartObject();
  WriteScalar(field, side);
  WriteDescription(description, writer_);
  writer_.EndObject();
}

void OpenApiSchemas::WriteScalar(const Field& field, Side side) {
  const auto write = [this](const char* type, const char* format) {
    WriteText("type", type, writer_);
    if (format != nullptr) WriteText("format", format, writer_);
  };
  const Message* message = field.message_type();
  if (message != nullptr && message->name() == "Timestamp") {
    write("string", "date-time");
  } else if (field.type() == Field::TYPE_INT32) {
    write("integer", "int32");
  } else if (field.type() == Field::TYPE_DOUBLE) {
    write("number", "double");
  } else if (field.type() == Field::TYPE_BOOL) {
    write("boolean", nullptr);
  } else if (field.type() == Field::TYPE_STRING) {
    write("string", nullptr);
  } else {
    throw std::invalid_argument("OpenAPI: a field of this type is not supported: " +
                                field.full_name());
  }
  const Limit* limit = side == Side::kRequest ? FindLimit(field) : nullptr;
  if (limit != nullptr) WriteLimits(*limit, writer_);
}

void OpenApiSchemas::WriteComponents() {
  if (!frames_.empty()) WriteAnyFrame();
  for (const Field* event : frames_) WriteFrame(*event);
  while (!to_write_.empty()) {
    const auto [message, side] = to_write_.back();
    to_write_.pop_back();
    writer_.Key(NameOf(*message, side).c_str());
    WriteFields(*message, side);
  }
}

// Any of the frames; `type` tells which.
void OpenApiSchemas::WriteAnyFrame() {
  writer_.Key(kFrames);
  writer_.StartObject();
  writer_.Key("oneOf");
  writer_.StartArray();
  for (const Field* event : frames_) WriteRef("schemas", FrameName(*event), writer_);
  writer_.EndArray();
  writer_.Key("discriminator");
  writer_.StartObject();
  WriteText("propertyName", "type", writer_);
  writer_.Key("mapping");
  writer_.StartObject();
  for (const Field* event : frames_) {
    WriteText(event->name().c_str(), "#/components/schemas/" + FrameName(*event), writer_);
  }
  writer_.EndObject();
  writer_.EndObject();
  writer_.EndObject();
}

void OpenApiSchemas::WriteFields(const Message& message, Side side) {
  const bool request = side == Side::kRequest;
  std::vector<std::string> required;
  writer_.StartObject();
  WriteText("type", "object", writer_);
  WriteDescription(comments_.Of(message), writer_);
  writer_.Key("properties");
  writer_.StartObject();
  for (int i = 0; i < message.field_count(); ++i) {
    const Field& field = *message.field(i);
    const Limit* limit = FindLimit(field);
    const bool needed = request ? limit != nullptr && limit->required : !field.has_presence();
    if (needed) required.push_back(field.name());
    WriteDescribed(field, side);
  }
  writer_.EndObject();
  WriteTexts("required", required, writer_);
  if (request) {
    writer_.Key("additionalProperties");
    writer_.Bool(false);
  }
  writer_.EndObject();
}

void OpenApiSchemas::WriteFrames() {
  const Message& response = *v1::InteractResponse::descriptor();
  if (frames_.empty()) {
    const auto& events = *response.FindOneofByName("event");
    for (int i = 0; i < events.field_count(); ++i) frames_.push_back(events.field(i));
  }
  WriteRef("schemas", kFrames, writer_);
}

// `type` and `data`, and what `features.details` adds. See AppendSseFrame.
void OpenApiSchemas::WriteFrame(const Field& event) {
  const auto kind = static_cast<v1::InteractResponse::EventCase>(event.number());
  const Message& message = *event.message_type();
  std::vector<const Field*> data{message.FindFieldByName(DataField(kind))};
  if (event.name() == "emotion") data.push_back(message.FindFieldByName("confidence"));

  writer_.Key(FrameName(event).c_str());
  writer_.StartObject();
  WriteText("type", "object", writer_);
  WriteDescription(comments_.Of(message), writer_);
  writer_.Key("properties");
  writer_.StartObject();
  writer_.Key("type");
  writer_.StartObject();
  WriteText("type", "string", writer_);
  WriteTexts("enum", {event.name()}, writer_);
  writer_.EndObject();
  writer_.Key("data");
  WriteData(data);
  for (const char* name : {"sequence", "created_at"}) {
    WriteDescribed(*event.containing_type()->FindFieldByName(name), Side::kResponse);
  }
  for (int i = 0; i < message.field_count(); ++i) {
    const bool beside = std::find(data.begin(), data.end(), message.field(i)) == data.end();
    if (beside) WriteDescribed(*message.field(i), Side::kResponse);
  }
  writer_.EndObject();
  WriteTexts("required", {"type", "data"}, writer_);
  writer_.EndObject();
}

// A field's value, or several as an object.
void OpenApiSchemas::WriteData(const std::vector<const Field*>& data) {
  if (data.size() == 1) return WriteField(*data.front(), Side::kResponse);
  std::vector<std::string> names;
  writer_.StartObject();
  WriteText("type", "object", writer_);
  writer_.Key("properties");
  writer_.StartObject();
  for (const Field* field : data) {
    names.push_back(field->name());
    WriteDescribed(*field, Side::kResponse);
  }
  writer_.EndObject();
  WriteTexts("required", names, writer_);
  writer_.EndObject();
}

}  // namespace luna::http
