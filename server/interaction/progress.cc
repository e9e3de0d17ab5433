#include "server/interaction/progress.h"

#include <chrono>
#include <string>

#include <spdlog/spdlog.h>

#include "server/base/error.h"

namespace luna {
namespace {

int Milliseconds(net::Clock::duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

const char* Progress::Stage() const {
  if (!admitted) return "request";
  return bytes == 0 ? "first_token" : "stream";
}

int Progress::FirstChunkMs() const { return first_chunk ? Milliseconds(*first_chunk - start) : 0; }

int Progress::TotalMs() const { return Milliseconds(net::Clock::now() - start); }

void Progress::CountChunk(net::TimePoint now, telemetry::Metrics& metrics) {
  if (first_chunk) {
    metrics.NextChunk(now - last_chunk);
  } else {
    first_chunk = now;
    metrics.FirstChunk(now - start);
  }
  last_chunk = now;
}

void RecordEnd(const Caller& caller, const Progress& progress, const absl::Status& status,
               telemetry::Metrics& metrics) {
  const std::string code = status.ok() ? "OK" : ErrorOf(status).code();
  const std::string stage = status.ok() ? "" : progress.Stage();
  metrics.RequestEnded(caller.transport, code, stage);
  const std::string line = fmt::format(
      "request id={} transport={} code={} stage={} target={} events={} bytes={} first_chunk_ms={} "
      "total_ms={}",
      caller.id, caller.transport, code, stage, progress.target ? progress.target->name : "",
      progress.events, progress.bytes, progress.FirstChunkMs(), progress.TotalMs());
  if (status.ok() || absl::IsCancelled(status) || !progress.admitted) {
    spdlog::info(line);
  } else {
    spdlog::error("{} {}", line, OwnWords(status));
  }
}

void RecordMissing(const Caller& caller, const char* part, const absl::Status& why,
                   telemetry::Metrics& metrics) {
  metrics.PartFailed(part);
  spdlog::warn("request id={}: no {}: {}", caller.id, part, OwnWords(why));
}

}  // namespace luna
