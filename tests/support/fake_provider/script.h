#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "tests/support/fake_provider/framing.h"

namespace luna::fake {

// One thing that the fake does with a connection.
struct Op {
  enum class Kind { kSend, kPause, kAwait, kFinish, kClose, kReset, kHang };
  Kind kind = Kind::kFinish;
  std::string bytes;        // kSend: HTTP framing included
  std::int64_t repeat = 1;  // kSend: how often; -1: until the client leaves
  std::chrono::milliseconds pause{0};
  std::string gate;  // kAwait
  int step = 0;      // the step of the script that this belongs to
};

// What one request gets; ends with kFinish (the connection takes the next request), kClose (FIN),
// kReset (RST) or kHang (nothing more until the client leaves).
using Answer = std::vector<Op>;

// What the fake does with a request, compiled for each API and for streaming and unary calls, so
// that playing it costs next to nothing.
//
// As JSON, an object. A whole answer:
//   {"status": 429, "headers": {"Retry-After": "3"}, "body": "text, or JSON that is sent as such"}
// or one in steps, with an optional status and headers:
//   {"steps": [...], "split": n, "framing": "chunked"}
//
// Steps; what is framed fits whichever API was asked, so that one script serves both:
//   {"text": "..."}, {"text_base64": "..."}    a piece of the answer
//   {"thought": "..."}                         a piece of the model's thinking
//   {"finish": "STOP"}                         the finish reason, in Gemini's words, and the usage
//   {"done": true}                             [DONE], in OpenAI's style
//   {"blocked": "SAFETY"}                      a blocked prompt
//   {"error": {...}}                           an error frame; unary: an error by its `code`
//   {"comment": "ping"}                        a comment line
//   {"raw": "..."}, {"raw_base64": "..."}      bytes as they are
//   {"send_headers": true}                     status and headers; else they go with the first
//   bytes
//   {"pause_ms": 20}
//   {"await": "step"}                          until POST /_fake/step?gate=step lets one request
//   through
//   {"end": "close" | "reset" | "hang" | "eof_chunk"}   eof_chunk, a proper end, is also the
//   default
// Any step may have "api": "gemini" | "openai" and "stream": true | false (it is skipped for the
// others), "split": n (each n bytes are an HTTP chunk and a write of their own) and "repeat": n
// (-1: for ever). Steps without a pause or a split between them leave in one write.
//
// "framing": "chunked"; "close": the body ends with the connection; "none": not even a status line
// is sent, for what is not HTTP at all.
//
// A unary call gets the texts joined into one document; raw bytes, where there are any, instead of
// it. An end other than eof_chunk comes after the first half of the document, or of nothing if no
// text came before.
class Script {
 public:
  // Throws std::invalid_argument with the key at fault.
  static std::shared_ptr<const Script> Parse(const boost::json::value& json);

  const Answer& For(Api api, bool stream) const;

 private:
  std::array<Answer, 4> answers_;
};

}  // namespace luna::fake
