#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/llm/model.h"

namespace luna::llm {

// Turns the bytes of a provider's answer into text. Does no I/O; how the bytes are cut does not
// change what comes out.
class StreamParser {
 public:
  virtual ~StreamParser() = default;

  // Appends the pieces of text that `bytes` completed to `pieces`, which are well-formed UTF-8 and
  // not empty. An error (base/error.h) is final; pieces before it were appended.
  virtual absl::Status Feed(std::string_view bytes, std::vector<std::string>& pieces) = 0;

  // Whether the answer is complete before the body has ended (`[DONE]`).
  virtual bool done() const = 0;

  // To be called once, when done() or when the body has ended: how the answer ended. An error where
  // that was not a proper end. May append a last piece.
  virtual absl::StatusOr<Finish> End(std::vector<std::string>& pieces) = 0;

  // How many ill-formed bytes became U+FFFD so far.
  virtual std::size_t replaced_bytes() const = 0;
};

}  // namespace luna::llm
