#pragma once

#include <cstdint>
#include <string>

#include "luna/v1/generation.pb.h"

// What OpenAI's chat API answers: https://platform.openai.com/docs/api-reference/chat
namespace luna::http {

// What all that is said of one answer has in common.
struct Completion {
  std::string id;            // of the request
  std::int64_t created = 0;  // in seconds since 1970
};

// A `chat.completion`.
std::string CompletionJson(const Completion& completion, const v1::GenerateResponse& answer);

// A `chat.completion.chunk`. The first of a stream says whose words these are. `null_usage`: as the
// chunks before the one with the usage have it.
std::string ChunkJson(const Completion& completion, const v1::GenerateStreamResponse& part,
                      bool first, bool null_usage);
// The chunk after the last one, which tells the usage that the last one has.
std::string UsageChunkJson(const Completion& completion, const v1::GenerateStreamResponse& last);

// An error of any code: {"error": {"message", "type", "param", "code"}}. `param` is the field that
// an INVALID_INPUT names; `code` is OpenAI's where it has one for this, else luna's.
std::string OpenAiErrorBody(const v1::Error& error);
// The HTTP status that OpenAI gives it: 400, not 413, for a prompt that is too long.
int OpenAiStatus(const v1::Error& error);

}  // namespace luna::http
