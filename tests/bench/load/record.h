#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace luna::bench {

// Nanoseconds of the monotonic clock.
using Nanos = std::int64_t;
Nanos Now();

// When what is measured happens.
struct Window {
  Nanos begin = 0;
  Nanos end = 0;

  bool Holds(Nanos at) const { return at >= begin && at < end; }
};

// Where one stream is. A stream is used again for the next request once it has ended.
struct Stream {
  Nanos start_at = 0;  // the first request's time
  Nanos begun = 0;
  Nanos last_frame = 0;
  int frames = 0;
  bool open = false;  // its request is under way
  bool complete = false;
  std::string carry;  // bytes of a frame that has not all arrived
};

// What the streams of one thread have seen. Every stream is checked to its end; rates and times are
// those of the window. Times in nanoseconds.
class Record {
 public:
  // `frames`: how many pieces each answer must have. `gaps`: whether times between them are kept.
  Record(Window window, int frames, bool gaps) : window_(window), expected_(frames), gaps_(gaps) {}

  void Begun(Stream& stream, Nanos now);
  // Returns whether it was the stream's first frame.
  bool Frame(Stream& stream, Nanos now);
  // The one event that ends an answer; `good`: it is not an error.
  void Terminal(Stream& stream, bool good, Nanos now);
  // The response has ended properly. Counts what of it was missing.
  void Ended(Stream& stream, Nanos now);
  // Something is wrong with the response, which goes on.
  void Failed(const Stream& stream, const std::string& why);
  // The response will not end: what was missing is lost.
  void Broke(Stream& stream, const std::string& why);

  void Add(const Record& other);

  std::int64_t streams = 0;   // begun
  std::int64_t lost = 0;      // frames that did not come, or came too often
  std::int64_t failures = 0;  // streams without their one good terminal event and proper end
  std::string first_failure;

  // In the window.
  std::int64_t requests = 0;  // ended
  std::int64_t frames = 0;
  std::vector<Nanos> first;  // from the request to the first frame
  std::vector<Nanos> gap;    // between two frames
  std::vector<Nanos> whole;  // from the request to the terminal event

 private:
  const Window window_;
  const int expected_;
  const bool gaps_;
};

// As JSON: {"count", "p50", "p99", "max"}, microseconds. Sorts the samples.
std::string Percentiles(std::vector<Nanos>& samples);

}  // namespace luna::bench
