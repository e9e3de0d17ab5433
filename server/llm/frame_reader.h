#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>

#include "luna/v1/interaction.pb.h"

namespace luna::llm {

// What has been understood of an answer so far.
struct Answer {
  std::string text;           // what the last document brought: may be empty or broken UTF-8
  std::string finish_reason;  // STOP or MAX_TOKENS; empty as long as there was none
  v1::Usage usage;
  std::string model;
};

// Understands the JSON documents of a provider: an event's data in a stream, or the whole body of a
// unary response.
class FrameReader {
 public:
  virtual ~FrameReader() = default;

  // Reads one document into `answer`. Errors (base/error.h): the provider's own, a block, a finish
  // reason that is no answer, or UPSTREAM_PROTOCOL; what the document had of the text is in
  // `answer` nevertheless.
  virtual absl::Status Read(std::string_view json, Answer& answer) = 0;
};

}  // namespace luna::llm
