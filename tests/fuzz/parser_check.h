#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/strings/match.h>

#include "server/base/error.h"
#include "server/base/utf8.h"
#include "server/llm/stream_parser.h"
#include "tests/fuzz/check.h"

// What must hold of every parser of a provider's answer.
namespace luna::fuzz {

using MakeParser = std::function<std::unique_ptr<llm::StreamParser>()>;

// The key that the fuzzers' targets have: no message may hold it.
inline constexpr char kKey[] = "sk-SECRET";

// Everything that came out of a parser.
struct Parsed {
  std::vector<std::string> pieces;
  std::string error;  // a luna.v1.Error; empty: it ended well
  std::string finish_reason;
  std::string usage;
  std::string model;
  std::size_t replaced_bytes = 0;

  bool operator==(const Parsed&) const = default;
};

inline std::string Joined(const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  return text;
}

inline void CheckError(const absl::Status& status) {
  constexpr std::array kCodes = {"UPSTREAM_UNAVAILABLE", "UPSTREAM_AUTH",    "UPSTREAM_REJECTED",
                                 "UPSTREAM_QUOTA",       "UPSTREAM_TIMEOUT", "UPSTREAM_PROTOCOL",
                                 "CONTENT_BLOCKED",      "INPUT_TOO_LARGE"};
  const v1::Error error = ErrorOf(status);
  Check(std::find(kCodes.begin(), kCodes.end(), error.code()) != kCodes.end(),
        "an error is one of the provider's", error.code());
  Check(utf8::IsValid(error.message()), "a message is UTF-8", error.message());
  Check(error.message().size() <= 1024, "a message has at most 1 KiB");
  Check(!absl::StrContains(error.message(), kKey), "a message never holds the key",
        error.message());
}

inline Parsed Parse(const MakeParser& make, const std::vector<std::vector<char>>& input) {
  const std::unique_ptr<llm::StreamParser> parser = make();
  Parsed parsed;
  const auto fail = [&](const absl::Status& status) {
    CheckError(status);
    parsed.error = ErrorOf(status).SerializeAsString();
    return parsed;
  };
  for (const std::vector<char>& bytes : input) {
    // A copy, since what the parser was given may go as soon as Feed has returned.
    const absl::Status status = parser->Feed(View(std::vector<char>(bytes)), parsed.pieces);
    if (!status.ok()) return fail(status);
    if (parser->done()) break;
  }
  const absl::StatusOr<llm::Finish> finish = parser->End(parsed.pieces);
  if (!finish.ok()) return fail(finish.status());
  Check(finish->reason == "STOP" || finish->reason == "MAX_TOKENS", "a good end has its reason");
  Check(!parsed.pieces.empty(), "a good end has a text");
  Check(utf8::IsValid(finish->model), "the model's name is UTF-8", finish->model);
  parsed.finish_reason = finish->reason;
  parsed.usage = finish->usage.SerializeAsString();
  parsed.model = finish->model;
  parsed.replaced_bytes = parser->replaced_bytes();
  return parsed;
}

// Parses `input` at once and in pieces, and gives what came out.
inline Parsed CheckParser(const MakeParser& make, std::string_view input, std::uint8_t seed) {
  const Parsed whole = Parse(make, {std::vector<char>(input.begin(), input.end())});
  for (const std::string& piece : whole.pieces) {
    Check(!piece.empty() && utf8::IsValid(piece), "a piece is UTF-8 and not empty", piece);
  }
  Check(Parse(make, Pieces(input, seed)) == whole, "how the bytes are cut changes nothing");
  return whole;
}

// Where the provider's stream `body` says `text`, however it is cut into documents, that is what
// comes out, repaired as a whole.
inline void CheckText(const MakeParser& make, std::string_view body, std::string_view text,
                      std::uint8_t seed) {
  const Parsed parsed = CheckParser(make, body, seed);
  std::string repaired(text);
  const std::size_t replaced = utf8::Repair(repaired);
  Check(Joined(parsed.pieces) == repaired, "the text is what the documents say, repaired");
  Check(parsed.error.empty() == !text.empty(), "a text ends well");
  if (!text.empty()) {
    Check(parsed.replaced_bytes == replaced, "what was repaired is counted");
  }
}

// `text` as a JSON string; bytes that are no UTF-8 stay as they are.
inline std::string Quoted(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char byte : text) {
    if (static_cast<unsigned char>(byte) < 0x20) {
      quoted += "\\u00";
      quoted += kHex[byte >> 4];
      quoted += kHex[byte & 15];
    } else {
      if (byte == '"' || byte == '\\') quoted += '\\';
      quoted += byte;
    }
  }
  return quoted + '"';
}

// An input is a mode, a seed for the pieces, and bytes: of a unary body for the mode 'u', of a text
// that the model says for 't', of a stream for all others. `frame` makes one event of a piece of
// text, `end` ends the stream.
inline void RunParser(std::string_view input, const MakeParser& make_stream,
                      const MakeParser& make_unary,
                      const std::function<std::string(std::string_view)>& frame,
                      std::string_view end) {
  const std::uint8_t mode = TakeByte(input);
  const std::uint8_t seed = TakeByte(input);
  if (mode == 'u') {
    CheckParser(make_unary, input, seed);
  } else if (mode == 't') {
    std::string body;
    for (const std::vector<char>& piece : Pieces(input, ~seed)) body += frame(View(piece));
    CheckText(make_stream, body.append(end), input, seed);
  } else {
    CheckParser(make_stream, input, seed);
  }
}

}  // namespace luna::fuzz
