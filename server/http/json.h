#pragma once

#include <map>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <google/protobuf/message.h>
#include <rapidjson/document.h>

#include "luna/v1/interaction.pb.h"
#include "server/http/routes.h"

// Protobuf's JSON mapping, as the HTTP side speaks it.
namespace luna::http {

// Reads a body that has to be a JSON object, as RFC 8259 has it. INVALID_INPUT says what it is.
absl::Status ParseObject(const std::string& body, rapidjson::Document& parsed);

// Appends `text`, which is UTF-8, as a JSON string, without line breaks that JSON allows in one.
void AppendString(std::string_view text, std::string& json);

// Fills `message` from a request as google.api.http says: the path beats the body, which beats the
// query; with a body of "*" the query is ignored unless the body is empty; a body that is a file is
// not read. `query` is percent-encoded. INVALID_INPUT names the place.
absl::Status ReadMessage(const Route& route, const std::string& body, std::string_view query,
                         const std::map<std::string, std::string>& variables,
                         google::protobuf::Message& message);

// In snake_case; fields without presence are there at their defaults too.
std::string ToJson(const google::protobuf::Message& message);

// The body of a response: all of the message, or the one field that the route says it is.
std::string ResponseBody(const Route& route, const google::protobuf::Message& message);

// The body of an HTTP error: the gRPC code's number, the message, and the reason in details.
std::string ErrorBody(const v1::Error& error);

// The field of an event's message that is the `data` of its frame. With an emotion's label its
// confidence goes there too.
const char* DataField(v1::InteractResponse::EventCase event);

// Appends one Server-Sent Event as the guide documents it, spaces included. `details` adds the
// event's further fields beside `type` and `data`.
void AppendSseFrame(const v1::InteractResponse& event, bool details, std::string& frame);

}  // namespace luna::http
