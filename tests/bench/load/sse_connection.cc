#include "tests/bench/load/sse_connection.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace luna::bench {
namespace {

// Within so many bytes a line says what it is.
constexpr std::size_t kTelling = 192;

bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

SseConnection::SseConnection(Load& load, int source, std::vector<Stream*> streams)
    : Connection(std::move(streams)), load_(load), source_(source), stream_(*this->streams()[0]) {
  const Plan& plan = load_.plan();
  request_ = plan.body.empty() ? "GET " + plan.path + " HTTP/1.1\r\nHost: localhost\r\n\r\n"
                               : "POST " + plan.path +
                                     " HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                                     "application/json\r\nContent-Length: " +
                                     std::to_string(plan.body.size()) + "\r\n\r\n" + plan.body;
}

void SseConnection::Connect() { socket_ = std::make_unique<Socket>(load_.plan().address, source_); }

void SseConnection::Start(Stream& stream, Nanos now) {
  load_.record().Begun(stream, now);
  load_.Number(request_);
  socket_->Write(request_);
}

void SseConnection::Ready(Nanos now, bool closing) {
  socket_->Flush();
  bool ended = false;
  while (true) {
    const std::string_view bytes = socket_->Read(load_.buffer(), load_.buffer_size(), &ended);
    if (ended && stream_.open) throw std::runtime_error("the server closed the connection");
    if (bytes.empty()) return;
    Parse(bytes, now);
    // A buffer that is not full has taken all there was; what comes later is an event of its own.
    if (bytes.size() < load_.buffer_size() && !closing) return;
  }
}

void SseConnection::Parse(std::string_view bytes, Nanos now) {
  while (!bytes.empty()) {
    switch (part_) {
      case Part::kHead:
        bytes = Head(bytes);
        break;
      case Part::kSize:
        bytes = Size(bytes);
        break;
      case Part::kData: {
        const std::size_t size = std::min(size_, bytes.size());
        Body(bytes.substr(0, size), now);
        bytes.remove_prefix(size);
        size_ -= size;
        if (size_ == 0) part_ = Part::kDataEnd;
        break;
      }
      case Part::kFile: {
        const std::size_t size = std::min(size_, bytes.size());
        Body(bytes.substr(0, size), now);
        bytes.remove_prefix(size);
        size_ -= size;
        if (size_ == 0) End(now);
        break;
      }
      case Part::kDataEnd:
      case Part::kTrailer: {
        const std::size_t line_end = bytes.find('\n');
        if (line_end == std::string_view::npos) return;
        bytes.remove_prefix(line_end + 1);
        if (std::exchange(part_, Part::kSize) == Part::kTrailer) End(now);
        break;
      }
    }
  }
}

// The status line and the fields; returns what follows them.
std::string_view SseConnection::Head(std::string_view bytes) {
  std::string& head = stream_.carry;
  const std::size_t before = head.size();
  head += bytes;
  const std::size_t end = head.find("\r\n\r\n");
  if (end == std::string::npos) return {};
  if (!StartsWith(head, "HTTP/1.1 200 ")) {
    throw std::runtime_error("the server answered " + head.substr(0, head.find('\r')));
  }
  constexpr std::string_view kLength = "Content-Length: ";
  const std::size_t length = head.find(kLength);
  if (length < end) {
    part_ = Part::kFile;
    size_ = std::stoul(head.substr(length + kLength.size()));
  } else if (head.find("chunked") < end) {
    part_ = Part::kSize;
    size_ = 0;
  } else {
    throw std::runtime_error("the response is neither chunked nor of a known length");
  }
  bytes.remove_prefix(end + 4 - before);
  head.clear();
  return bytes;
}

// A chunk's size line.
std::string_view SseConnection::Size(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\n') {
      part_ = size_ == 0 ? Part::kTrailer : Part::kData;
      return bytes.substr(i + 1);
    }
    const int digit = HexDigit(bytes[i]);
    if (digit < 0 && bytes[i] != '\r') throw std::runtime_error("bad chunk size");
    if (digit >= 0) size_ = size_ * 16 + static_cast<std::size_t>(digit);
  }
  return {};
}

void SseConnection::Body(std::string_view bytes, Nanos now) {
  std::string& carry = stream_.carry;
  while (!bytes.empty()) {
    const void* found = std::memchr(bytes.data(), '\n', bytes.size());
    const std::size_t size =
        found == nullptr ? bytes.size()
                         : static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
    if (found == nullptr || !carry.empty()) {
      const std::size_t room = kTelling - std::min(kTelling, carry.size());
      carry += bytes.substr(0, std::min(size, room));
    }
    if (found == nullptr) return;
    Line(carry.empty() ? bytes.substr(0, std::min(size, kTelling)) : carry, now);
    carry.clear();
    bytes.remove_prefix(size + 1);
  }
}

void SseConnection::Line(std::string_view line, Nanos now) {
  if (StartsWith(line, "data: {\"type\": \"llm_chunk\"")) {
    load_.Frame(stream_, now);
  } else if (StartsWith(line, "data: {\"candidates\"")) {
    if (line.find("\"finishReason\": \"STOP\"") == std::string_view::npos) {
      load_.Frame(stream_, now);
    } else {
      load_.record().Terminal(stream_, true, now);
    }
  } else if (StartsWith(line, "data: {\"type\": \"emotion\"") ||
             StartsWith(line, "data: {\"type\": \"translation\"")) {
    return;
  } else if (StartsWith(line, "data: ")) {
    const bool complete = StartsWith(line, "data: {\"type\": \"complete\"");
    load_.record().Terminal(stream_, complete, now);
  }
}

void SseConnection::End(Nanos now) {
  part_ = Part::kHead;
  if (load_.Ended(stream_, now)) Start(stream_, Now());
}

}  // namespace luna::bench
