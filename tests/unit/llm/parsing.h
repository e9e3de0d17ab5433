#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <absl/strings/str_join.h>
#include <gtest/gtest.h>

#include "server/base/error.h"
#include "server/llm/stream_parser.h"

namespace luna::llm {

// Everything that came out of a parser.
struct Parsed {
  std::vector<std::string> pieces;
  std::string error;  // the code; empty: it ended well
  std::string message;
  std::string finish_reason;
  std::string usage;  // prompt/completion/thoughts/total
  std::string model;

  std::string text() const { return absl::StrJoin(pieces, ""); }
  bool operator==(const Parsed&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Parsed& parsed) {
  return out << "[" << absl::StrJoin(parsed.pieces, "|") << "] " << parsed.error << " "
             << parsed.message << " " << parsed.finish_reason << " " << parsed.usage << " "
             << parsed.model;
}

using MakeParser = std::function<std::unique_ptr<StreamParser>()>;

inline void TakeError(const absl::Status& status, Parsed& parsed) {
  parsed.error = ErrorOf(status).code();
  parsed.message = ErrorOf(status).message();
}

inline Parsed ParseChunks(StreamParser& parser, const std::vector<std::string>& chunks) {
  Parsed parsed;
  for (const std::string& chunk : chunks) {
    const absl::Status status = parser.Feed(chunk, parsed.pieces);
    if (!status.ok()) {
      TakeError(status, parsed);
      return parsed;
    }
    if (parser.done()) break;
  }
  const absl::StatusOr<Finish> finish = parser.End(parsed.pieces);
  if (!finish.ok()) {
    TakeError(finish.status(), parsed);
    return parsed;
  }
  const v1::Usage& usage = finish->usage;
  parsed.finish_reason = finish->reason;
  parsed.usage = absl::StrCat(usage.prompt_tokens(), "/", usage.completion_tokens(), "/",
                              usage.thoughts_tokens(), "/", usage.total_tokens());
  parsed.model = finish->model;
  return parsed;
}

// Parses `body` as a whole, and expects the same of it cut in two at every byte and cut into bytes.
inline Parsed ParseCutEverywhere(const MakeParser& make, const std::string& body) {
  const Parsed whole = ParseChunks(*make(), {body});
  for (std::size_t cut = 0; cut <= body.size(); ++cut) {
    EXPECT_EQ(ParseChunks(*make(), {body.substr(0, cut), body.substr(cut)}), whole)
        << "cut at " << cut;
  }
  std::vector<std::string> bytes;
  for (const char byte : body) bytes.emplace_back(1, byte);
  EXPECT_EQ(ParseChunks(*make(), bytes), whole) << "byte by byte";
  return whole;
}

}  // namespace luna::llm
