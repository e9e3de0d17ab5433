#include "server/http/openapi.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "luna/v1/generation.pb.h"
#include "luna/v1/interaction.pb.h"
#include "server/base/error.h"
#include "server/http/openapi_fixed.h"
#include "server/http/openapi_limits.h"
#include "server/http/openapi_schemas.h"
#include "server/http/proto_comments.h"

namespace luna::http {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using Side = OpenApiSchemas::Side;

void WriteRaw(const char* json, JsonWriter& writer) {
  writer.RawValue(json, std::string_view(json).size(), rapidjson::kObjectType);
}

const Descriptor& ResponseOf(const Route& route) {
  const Descriptor& output = *route.method->output_type();
  if (route.response_body.empty()) return output;
  return *output.FindFieldByName(route.response_body)->message_type();
}

std::vector<const Descriptor*> Responses(const Routes& routes) {
  std::vector<const Descriptor*> responses;
  for (const Pattern& pattern : routes.patterns()) responses.push_back(&ResponseOf(pattern.route));
  return responses;
}

// Writes the document, top to bottom.
class Document {
 public:
  Document(const Routes& routes, bool needs_token)
      : routes_(routes),
        needs_token_(needs_token),
        writer_(buffer_),
        schemas_(Responses(routes), comments_, writer_) {}

  std::string Write();

 private:
  void WriteInfo();
  void WriteTags();
  void WritePaths();
  void WriteOperation(const Pattern& pattern);
  void WriteParameters(const Pattern& pattern);
  void WriteQuery(const Descriptor& message, const std::string& prefix,
                  const std::set<std::string>& left_out);
  void WriteParameter(const char* place, const std::string& name, const FieldDescriptor& field);
  void WriteRequestBody(const Route& route);
  void WriteResponses(const std::string& path, const Route& route);
  void WriteComponents();
  void WriteErrorResponse(const char* schema);
  void WriteErrorSchema();

  const Routes& routes_;
  const bool needs_token_;
  const ProtoComments comments_;
  rapidjson::StringBuffer buffer_;
  JsonWriter writer_;
  OpenApiSchemas schemas_;
  std::map<std::string, int> operations_;  // how often an RPC has been written
};

std::string Document::Write() {
  writer_.StartObject();
  WriteText("openapi", "3.0.3", writer_);
  WriteInfo();
  WriteTags();
  if (needs_token_) {
    writer_.Key("security");
    writer_.RawValue(R"([{"token":[]}])", 14, rapidjson::kArrayType);
  }
  WritePaths();
  WriteComponents();
  writer_.EndObject();
  return {buffer_.GetString(), buffer_.GetSize()};
}

void Document::WriteInfo() {
  writer_.Key("info");
  writer_.StartObject();
  WriteText("title", "luna", writer_);
  WriteText("version", LUNA_VERSION, writer_);
  WriteText(
      "description",
      "A conversation server. The schema of a `text/event-stream` is that of the JSON in each "
      "`data` line, that of `application/x-ndjson` of each line. A text's `maxLength` is meant "
      "in bytes of UTF-8.",
      writer_);
  writer_.Key("license");
  WriteRaw(R"({"name":"Apache-2.0","url":"https://www.apache.org/licenses/LICENSE-2.0"})", writer_);
  writer_.EndObject();
}

void Document::WriteTags() {
  std::set<const google::protobuf::ServiceDescriptor*> services;
  writer_.Key("tags");
  writer_.StartArray();
  for (const Pattern& pattern : routes_.patterns()) {
    const auto* service = pattern.route.method->service();
    if (!services.insert(service).second) continue;
    writer_.StartObject();
    WriteText("name", service->name(), writer_);
    WriteDescription(comments_.Of(*service), writer_);
    writer_.EndObject();
  }
  WriteRaw(R"({"name":"Server"})", writer_);
  writer_.EndArray();
}

void Document::WritePaths() {
  std::map<std::string, std::vector<const Pattern*>> paths;
  for (const Pattern& pattern : routes_.patterns()) {
    paths["/" + absl::StrJoin(pattern.segments, "/")].push_back(&pattern);
  }
  writer_.Key("paths");
  writer_.StartObject();
  for (const FixedPart& path : FixedPaths()) {
    writer_.Key(path.name);
    WriteRaw(path.json, writer_);
  }
  for (const auto& [path, patterns] : paths) {
    writer_.Key(path.c_str());
    writer_.StartObject();
    for (const Pattern* pattern : patterns) WriteOperation(*pattern);
    writer_.EndObject();
  }
  writer_.EndObject();
}

void Document::WriteOperation(const Pattern& pattern) {
  const Route& route = pattern.route;
  const auto& method = *route.method;
  const int forms = ++operations_[method.full_name()];
  writer_.Key(absl::AsciiStrToLower(pattern.http_method).c_str());
  writer_.StartObject();
  WriteText("operationId", absl::StrCat(method.name(), forms > 1 ? std::to_string(forms) : ""),
            writer_);
  writer_.Key("tags");
  writer_.StartArray();
  writer_.String(method.service()->name());
  writer_.EndArray();
  WriteDescription(comments_.Of(method), writer_);
  WriteParameters(pattern);
  if (!route.body.empty()) WriteRequestBody(route);
  WriteResponses("/" + absl::StrJoin(pattern.segments, "/"), route);
  writer_.EndObject();
}

void Document::WriteParameters(const Pattern& pattern) {
  const Descriptor& request = *pattern.route.method->input_type();
  std::set<std::string> left_out{pattern.route.body};
  writer_.Key("parameters");
  writer_.StartArray();
  for (const std::string& segment : pattern.segments) {
    if (segment.front() != '{') continue;
    const std::string name = segment.substr(1, segment.size() - 2);
    WriteParameter("path", name, *request.FindFieldByName(name));
    left_out.insert(name);
  }
  if (pattern.route.body != "*") WriteQuery(request, "", left_out);
  writer_.EndArray();
}

// Every field that a query can hold: those of a message below it with a dot.
void Document::WriteQuery(const Descriptor& message, const std::string& prefix,
                          const std::set<std::string>& left_out) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string name = prefix + field.name();
    if (left_out.contains(name)) continue;
    const Descriptor* inner = field.message_type();
    if (inner == nullptr || inner->file()->package() == "google.protobuf") {
      WriteParameter("query", name, field);
    } else if (!field.is_repeated()) {
      WriteQuery(*inner, name + ".", left_out);
    }
  }
}

void Document::WriteParameter(const char* place, const std::string& name,
                              const FieldDescriptor& field) {
  const Limit* limit = FindLimit(field);
  writer_.StartObject();
  WriteText("name", name, writer_);
  WriteText("in", place, writer_);
  WriteDescription(comments_.Of(field), writer_);
  if (place == std::string_view("path") || (limit != nullptr && limit->required)) {
    writer_.Key("required");
    writer_.Bool(true);
  }
  writer_.Key("schema");
  schemas_.WriteField(field, Side::kRequest);
  writer_.EndObject();
}

void Document::WriteRequestBody(const Route& route) {
  const Descriptor& request = *route.method->input_type();
  writer_.Key("requestBody");
  writer_.StartObject();
  bool required = route.body != "*" && !route.takes_file;  // a file may be empty
  for (int i = 0; i < request.field_count() && route.body == "*"; ++i) {
    const Limit* limit = FindLimit(*request.field(i));
    required = required || (limit != nullptr && limit->required);
  }
  writer_.Key("required");
  writer_.Bool(required);
  writer_.Key("content");
  writer_.StartObject();
  for (const char* type : kFileTypes) {
    if (!route.takes_file) break;
    writer_.Key(type);
    WriteRaw(R"({"schema":{"type":"string","format":"binary"}})", writer_);
  }
  if (!route.takes_file) {
    writer_.Key("application/json");
    writer_.StartObject();
    writer_.Key("schema");
    if (route.body == "*") {
      schemas_.WriteMessage(request, Side::kRequest);
    } else {
      schemas_.WriteField(*request.FindFieldByName(route.body), Side::kRequest);
    }
    writer_.EndObject();
  }
  writer_.EndObject();
  writer_.EndObject();
}

void Document::WriteResponses(const std::string& path, const Route& route) {
  const auto& method = *route.method;
  const bool events = method.input_type() == v1::InteractRequest::descriptor();
  const bool chunks = method.output_type() == v1::GenerateStreamResponse::descriptor();
  const char* lines = method.server_streaming() ? "application/x-ndjson" : "application/json";
  writer_.Key("responses");
  writer_.StartObject();
  writer_.Key("200");
  writer_.StartObject();
  WriteText("description", "OK", writer_);
  writer_.Key("content");
  writer_.StartObject();
  writer_.Key(events || chunks ? "text/event-stream" : lines);
  writer_.StartObject();
  writer_.Key("schema");
  if (events) {
    schemas_.WriteFrames();
  } else if (chunks) {
    WriteRaw(R"({"oneOf":[{"$ref":"#/components/schemas/ChatCompletionChunk"},)"
             R"({"$ref":"#/components/schemas/StreamError"}]})",
             writer_);
  } else {
    schemas_.WriteMessage(ResponseOf(route), Side::kResponse);
  }
  writer_.EndObject();
  writer_.EndObject();
  writer_.EndObject();
  writer_.Key("default");
  WriteRef("responses", absl::StartsWith(path, "/v1/") ? "OpenAiError" : "Error", writer_);
  writer_.EndObject();
}

void Document::WriteComponents() {
  writer_.Key("components");
  writer_.StartObject();
  writer_.Key("schemas");
  writer_.StartObject();
  for (const FixedPart& schema : FixedSchemas()) {
    writer_.Key(schema.name);
    WriteRaw(schema.json, writer_);
  }
  WriteErrorSchema();
  schemas_.WriteComponents();
  writer_.EndObject();
  writer_.Key("responses");
  writer_.StartObject();
  WriteErrorResponse("Error");
  WriteErrorResponse("OpenAiError");
  writer_.EndObject();
  if (needs_token_) {
    writer_.Key("securitySchemes");
    WriteRaw(R"({"token":{"type":"http","scheme":"bearer"}})", writer_);
  }
  writer_.EndObject();
}

// Names each HTTP status with the codes that have it.
void Document::WriteErrorResponse(const char* schema) {
  std::map<int, std::vector<std::string>> codes;
  for (const ErrorCode code : AllErrorCodes()) {
    codes[HttpStatus(ErrorOf(MakeError(code, "")))].push_back(Name(code));
  }
  std::string statuses;
  for (const auto& [status, names] : codes) {
    absl::StrAppend(&statuses, "; ", status, ": ", absl::StrJoin(names, ", "));
  }
  writer_.Key(schema);
  writer_.StartObject();
  WriteText("description", "An error. " + statuses.substr(2) + ".", writer_);
  writer_.Key("content");
  writer_.StartObject();
  writer_.Key("application/json");
  writer_.StartObject();
  writer_.Key("schema");
  WriteRef("schemas", schema, writer_);
  writer_.EndObject();
  writer_.EndObject();
  writer_.EndObject();
}

// What ErrorBody (json.h) writes.
void Document::WriteErrorSchema() {
  std::vector<std::string> names;
  for (const ErrorCode code : AllErrorCodes())
    names.push_back(absl::StrCat("\"", Name(code), "\""));
  const std::string json = absl::StrCat(
      R"({"type":"object","required":["code","message","details"],"properties":{)"
      R"("code":{"type":"integer","format":"int32","description":"The gRPC code."},)"
      R"("message":{"type":"string","description":"For a person."},)"
      R"("details":{"type":"array","items":{"type":"object","required":["@type"],"properties":{)"
      R"("@type":{"type":"string"},"domain":{"type":"string"},)"
      R"("reason":{"type":"string","enum":[)",
      absl::StrJoin(names, ","),
      R"(]},"retry_delay":{"type":"string","description":"Seconds, such as `2.500s`."}}}}}})");
  writer_.Key("Error");
  WriteRaw(json.c_str(), writer_);
}

}  // namespace

std::string OpenApi(const Routes& routes, bool needs_token) {
  return Document(routes, needs_token).Write();
}

}  // namespace luna::http
