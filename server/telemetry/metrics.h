#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace luna::telemetry {

// What `GET /metrics` shows. Nothing of what a person said, and no name that a caller chose, is in
// it. One object for the whole server; from any thread.
class Metrics {
 public:
  Metrics();

  // In Prometheus' text format, version 0.0.4. Reads the process's descriptors and memory from
  // /proc.
  std::string Text();

  // A request has ended. `code` is OK or one of the contract's; `stage` as in the error event, ""
  // where it ended well.
  void RequestEnded(const std::string& transport, const std::string& code,
                    const std::string& stage);
  prometheus::Gauge& StreamsOpen(const std::string& transport);

  void FirstChunk(std::chrono::nanoseconds after) { Observe(first_chunk_, after); }
  void NextChunk(std::chrono::nanoseconds after) { Observe(chunk_gap_, after); }

  prometheus::Gauge& UpstreamsOpen(const std::string& target);
  void UpstreamRetried(const std::string& target);
  void UpstreamFellBack(const std::string& target);
  // The upstream was stopped before its end, mostly since its caller had gone. `stage`: first_token
  // or stream.
  void UpstreamCancelled(const std::string& stage);
  // The `llm` engine did not say what the person feels.
  void EmotionFellBack() { emotion_fallbacks_.Increment(); }
  // A request went without what this part adds to it: `emotion`, `translation`, `memory`, `cache`.
  void PartFailed(const std::string& part);
  // A kept answer was looked for.
  void CacheAsked(bool hit) { (hit ? cache_hits_ : cache_misses_).Increment(); }
  void Replaced(std::size_t bytes) { replaced_.Increment(static_cast<double>(bytes)); }

 private:
  static void Observe(prometheus::Histogram& histogram, std::chrono::nanoseconds duration) {
    histogram.Observe(std::chrono::duration<double>(duration).count());
  }

  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Gauge>& streams_open_;
  prometheus::Histogram& first_chunk_;
  prometheus::Histogram& chunk_gap_;
  prometheus::Family<prometheus::Gauge>& upstreams_open_;
  prometheus::Family<prometheus::Counter>& retries_;
  prometheus::Family<prometheus::Counter>& fallbacks_;
  prometheus::Family<prometheus::Counter>& cancels_;
  prometheus::Counter& emotion_fallbacks_;
  prometheus::Family<prometheus::Counter>& part_failures_;
  prometheus::Counter& cache_hits_;
  prometheus::Counter& cache_misses_;
  prometheus::Counter& replaced_;
  prometheus::Gauge& descriptors_;
  prometheus::Gauge& resident_;
};

// Counts something for as long as it lives.
class Counted {
 public:
  explicit Counted(prometheus::Gauge& gauge) : gauge_(gauge) { gauge_.Increment(); }
  ~Counted() { gauge_.Decrement(); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  prometheus::Gauge& gauge_;
};

}  // namespace luna::telemetry
