#include "tests/bench/load/record.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace luna::bench {

Nanos Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void Record::Begun(Stream& stream, Nanos now) {
  ++streams;
  stream.begun = now;
  stream.last_frame = 0;
  stream.frames = 0;
  stream.complete = false;
  stream.open = true;
  stream.carry.clear();
}

bool Record::Frame(Stream& stream, Nanos now) {
  const bool is_first = stream.frames++ == 0;
  if (window_.Holds(now)) {
    ++frames;
    if (gaps_ && !is_first) gap.push_back(now - stream.last_frame);
  }
  if (is_first && window_.Holds(stream.begun)) first.push_back(now - stream.begun);
  stream.last_frame = now;
  if (stream.complete) Failed(stream, "a frame after the terminal event");
  return is_first;
}

void Record::Terminal(Stream& stream, bool good, Nanos now) {
  if (!good) return Failed(stream, "an error event");
  if (stream.complete) return Failed(stream, "two terminal events");
  stream.complete = true;
  if (window_.Holds(stream.begun)) whole.push_back(now - stream.begun);
}

void Record::Ended(Stream& stream, Nanos now) {
  stream.open = false;
  lost += std::abs(expected_ - stream.frames);
  if (!stream.complete) Failed(stream, "no terminal event");
  if (window_.Holds(now)) ++requests;
}

void Record::Broke(Stream& stream, const std::string& why) {
  stream.open = false;
  lost += std::abs(expected_ - stream.frames);
  Failed(stream, why);
}

void Record::Failed(const Stream& stream, const std::string& why) {
  if (failures++ == 0) {
    first_failure = why + " (after " + std::to_string(stream.frames) + " frames)";
  }
}

void Record::Add(const Record& other) {
  streams += other.streams;
  lost += other.lost;
  failures += other.failures;
  if (first_failure.empty()) first_failure = other.first_failure;
  requests += other.requests;
  frames += other.frames;
  first.insert(first.end(), other.first.begin(), other.first.end());
  gap.insert(gap.end(), other.gap.begin(), other.gap.end());
  whole.insert(whole.end(), other.whole.begin(), other.whole.end());
}

std::string Percentiles(std::vector<Nanos>& samples) {
  if (samples.empty()) return "{\"count\": 0}";
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double share) {
    const auto index = static_cast<std::size_t>(share * static_cast<double>(samples.size()));
    return static_cast<double>(samples[std::min(index, samples.size() - 1)]) / 1000;
  };
  char text[160];
  std::snprintf(text, sizeof text, "{\"count\": %zu, \"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}",
                samples.size(), at(0.5), at(0.99), at(1));
  return text;
}

}  // namespace luna::bench
