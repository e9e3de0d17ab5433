#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "server/http/proto_comments.h"

namespace luna::http {

using JsonWriter = rapidjson::Writer<rapidjson::StringBuffer>;

// Writes `"key": "text"`.
void WriteText(const char* key, const std::string& text, JsonWriter& writer);
// The same with the key "description"; nothing where the text is empty.
void WriteDescription(const std::string& text, JsonWriter& writer);
// Writes {"$ref": "#/components/KIND/NAME"}.
void WriteRef(const char* kind, const std::string& name, JsonWriter& writer);

// Writes messages, with their comments, as JSON schemas, as OpenAPI 3.0 has them, in the form that
// json.h gives and takes: a response has every field that has no presence; a request has no field
// but these.
class OpenApiSchemas {
 public:
  enum class Side { kRequest, kResponse };
  using Message = google::protobuf::Descriptor;
  using Field = google::protobuf::FieldDescriptor;

  // `responses`: all messages that WriteMessage is going to be called for with kResponse.
  OpenApiSchemas(const std::vector<const Message*>& responses, const ProtoComments& comments,
                 JsonWriter& writer);

  // A reference to a message, which WriteComponents will write.
  void WriteMessage(const Message& message, Side side);
  // What a field holds, within its limits.
  void WriteField(const Field& field, Side side) { WriteField(field, side, ""); }
  // A frame of an event stream whose events are the oneof `event` of luna.v1.InteractResponse.
  void WriteFrames();

  // `"NAME": {...}` for each message that was referred to, and those that these refer to.
  void WriteComponents();

 private:
  using Known = std::pair<const Message*, Side>;

  void AddResponse(const Message& message);
  std::string NameOf(const Message& message, Side side) const;
  void WriteFields(const Message& message, Side side);
  void WriteField(const Field& field, Side side, const std::string& description);
  void WriteValue(const Field& field, Side side, const std::string& description);
  void WriteScalar(const Field& field, Side side);
  void WriteDescribed(const Field& field, Side side);
  void WriteAnyFrame();
  void WriteFrame(const Field& event);
  void WriteData(const std::vector<const Field*>& data);

  const ProtoComments& comments_;
  JsonWriter& writer_;
  std::set<const Message*> responses_;  // those that they hold included
  std::set<Known> known_;
  std::vector<Known> to_write_;
  std::vector<const Field*> frames_;
};

}  // namespace luna::http
