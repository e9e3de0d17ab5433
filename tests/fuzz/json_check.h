#pragma once

#include <memory>
#include <string>

#include <google/protobuf/util/message_differencer.h>
#include <rapidjson/document.h>

#include "server/base/error.h"
#include "server/base/utf8.h"
#include "server/http/json.h"
#include "tests/fuzz/check.h"

// What must hold of the JSON mapping, whatever a client sends.
namespace luna::fuzz {

inline bool Same(const google::protobuf::Message& a, const google::protobuf::Message& b,
                 bool unset_is_default = false) {
  google::protobuf::util::MessageDifferencer differencer;
  if (unset_is_default) {
    differencer.set_message_field_comparison(
        google::protobuf::util::MessageDifferencer::EQUIVALENT);
  }
  google::protobuf::util::DefaultFieldComparator fields;
  fields.set_treat_nan_as_equal(true);
  differencer.set_field_comparator(&fields);
  return differencer.Compare(a, b);
}

inline bool IsStrictJsonObject(std::string_view text) {
  rapidjson::Document json;
  json.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag>(text.data(),
                                                                                     text.size());
  return !json.HasParseError() && json.IsObject();
}

// Of a message that was read: it is what protobuf can send on, and written and read again it is the
// same.
inline void CheckRead(const google::protobuf::Message& message) {
  const std::unique_ptr<google::protobuf::Message> copy(message.New());
  Check(copy->ParseFromString(message.SerializeAsString()), "every string is UTF-8",
        message.Utf8DebugString());
  const std::string json = http::ToJson(message);
  Check(IsStrictJsonObject(json), "what is written is strict JSON", json);
  copy->Clear();
  const absl::Status again =
      http::ReadMessage({.method = nullptr, .body = "*"}, json, "", {}, *copy);
  Check(again.ok(), "what was written can be read", json);
  // Protobuf reads a double's -0, which is not its default, back as 0.
  const bool minus_zero = json.find(":-0") != json.npos;
  Check(Same(*copy, message, minus_zero), "what was written and read is the same", json);
}

// Of a refusal; one that is OK is none.
inline void CheckRefused(const absl::Status& status, std::string_view code) {
  if (status.ok()) return;
  const v1::Error error = ErrorOf(status);
  Check(error.code() == code, "a refusal has its code", error.code());
  Check(utf8::IsValid(error.message()), "a refusal's message is UTF-8", error.message());
  Check(IsStrictJsonObject(http::ErrorBody(error)), "a refusal's body is strict JSON");
}

}  // namespace luna::fuzz
