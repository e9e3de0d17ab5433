#include "server/telemetry/metrics.h"

#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace luna::telemetry {
namespace {

const prometheus::Histogram::BucketBoundaries kSeconds = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120};

prometheus::Family<prometheus::Counter>& Counter(prometheus::Registry& registry, const char* name,
                                                 const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Gauge>& Gauge(prometheus::Registry& registry, const char* name,
                                             const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

prometheus::Histogram& Seconds(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, kSeconds);
}

double OpenDescriptors() {
  std::error_code error;
  std::filesystem::directory_iterator entries("/proc/self/fd", error);
  if (error) return 0;
  // The iterator's own is among them.
  return static_cast<double>(std::distance(entries, {})) - 1;
}

double ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  double total_pages = 0;
  double resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

}  // namespace

Metrics::Metrics()
    : requests_(Counter(registry_, "luna_requests_total", "Requests that have ended")),
      streams_open_(Gauge(registry_, "luna_streams_open", "Requests at work")),
      first_chunk_(Seconds(registry_, "luna_first_chunk_seconds",
                           "From the request to the first piece of its answer")),
      chunk_gap_(Seconds(registry_, "luna_chunk_gap_seconds", "Between two pieces of an answer")),
      upstreams_open_(
          Gauge(registry_, "luna_upstream_requests_open", "Requests to models under way")),
      retries_(Counter(registry_, "luna_upstream_retries_total",
                       "Requests made again to the same target")),
      fallbacks_(Counter(registry_, "luna_upstream_fallbacks_total",
                         "Requests that went on to this target of llm.fallback")),
      cancels_(Counter(registry_, "luna_upstream_cancels_total",
                       "Requests to models that were stopped before their end")),
      emotion_fallbacks_(Counter(registry_, "luna_emotion_fallbacks_total",
                                 "Emotions that the llm engine did not give in time")
                             .Add({})),
      part_failures_(Counter(registry_, "luna_part_failures_total",
                             "Requests that went on without this part")),
      cache_hits_(
          Counter(registry_, "luna_cache_hits_total", "Answers that came from the cache").Add({})),
      cache_misses_(Counter(registry_, "luna_cache_misses_total",
                            "Answers that were looked for in the cache and not found")
                        .Add({})),
      replaced_(Counter(registry_, "luna_replaced_bytes_total",
                        "Ill-formed UTF-8 from models that became U+FFFD")
                    .Add({})),
      descriptors_(Gauge(registry_, "process_open_fds", "Open file descriptors").Add({})),
      resident_(
          Gauge(registry_, "process_resident_memory_bytes", "Resident memory in bytes").Add({})) {}

std::string Metrics::Text() {
  descriptors_.Set(OpenDescriptors());
  resident_.Set(ResidentBytes());
  return prometheus::TextSerializer().Serialize(registry_.Collect());
}

void Metrics::RequestEnded(const std::string& transport, const std::string& code,
                           const std::string& stage) {
  requests_.Add({{"transport", transport}, {"code", code}, {"stage", stage}}).Increment();
}

prometheus::Gauge& Metrics::StreamsOpen(const std::string& transport) {
  return streams_open_.Add({{"transport", transport}});
}

prometheus::Gauge& Metrics::UpstreamsOpen(const std::string& target) {
  return upstreams_open_.Add({{"target", target}});
}

void Metrics::PartFailed(const std::string& part) {
  part_failures_.Add({{"part", part}}).Increment();
}

void Metrics::UpstreamRetried(const std::string& target) {
  retries_.Add({{"target", target}}).Increment();
}

void Metrics::UpstreamFellBack(const std::string& target) {
  fallbacks_.Add({{"target", target}}).Increment();
}

void Metrics::UpstreamCancelled(const std::string& stage) {
  cancels_.Add({{"stage", stage}}).Increment();
}

}  // namespace luna::telemetry
