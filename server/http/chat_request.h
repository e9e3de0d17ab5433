#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "luna/v1/generation.pb.h"

namespace luna::http {

inline constexpr char kChatPath[] = "/v1/chat/completions";

// What a body of OpenAI's POST /v1/chat/completions asks for.
struct ChatRequest {
  v1::GenerateRequest generate;
  bool stream = false;
  bool include_usage = false;
};

// Reads it. INVALID_INPUT begins with the field that is wrong. So is one that luna does not know
// how to honour although the answer would be another one (`tools`, `n`, images, ...), unless its
// value is the one that changes nothing. All other fields are ignored but luna's own `skip_cache`,
// and null is as left out.
// https://platform.openai.com/docs/api-reference/chat/create
absl::StatusOr<ChatRequest> ReadChatRequest(const std::string& body);

}  // namespace luna::http
