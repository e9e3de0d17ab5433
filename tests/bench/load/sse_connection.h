#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/load/load.h"

namespace luna::bench {

// HTTP/1.1 with keep-alive; a response is a text/event-stream, chunked, of luna or of a provider in
// Gemini's style, or a file of such with its length. An event of either is one line. Only the
// beginning of a line is looked at, which says what it is.
class SseConnection final : public Connection {
 public:
  SseConnection(Load& load, int source, std::vector<Stream*> streams);

  void Connect() override;
  void Start(Stream& stream, Nanos now) override;
  void Ready(Nanos now, bool closing) override;

 private:
  enum class Part { kHead, kSize, kData, kDataEnd, kTrailer, kFile };

  void Parse(std::string_view bytes, Nanos now);
  std::string_view Head(std::string_view bytes);
  std::string_view Size(std::string_view bytes);
  void Body(std::string_view bytes, Nanos now);
  void Line(std::string_view line, Nanos now);
  void End(Nanos now);

  Load& load_;
  const int source_;
  Stream& stream_;
  std::string request_;
  Part part_ = Part::kHead;
  std::size_t size_ = 0;  // of the chunk or the file, what has not arrived
};

}  // namespace luna::bench
