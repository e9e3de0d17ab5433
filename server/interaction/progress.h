#pragma once

#include <optional>

#include <absl/status/status.h>

#include "server/config/config.h"
#include "server/interaction/caller.h"
#include "server/net/event_loop.h"
#include "server/telemetry/metrics.h"

namespace luna {

// How far a request for an answer has come, for its line in the log and the metrics. Loop thread
// only.
struct Progress {
  const config::Target* target = nullptr;  // that was asked for; nullptr: not known yet
  net::TimePoint start = net::Clock::now();
  bool admitted = false;
  int events = 0;
  std::size_t bytes = 0;  // of the answer that have arrived
  std::optional<net::TimePoint> first_chunk{};
  net::TimePoint last_chunk{};

  // `request`, `first_token` or `stream`.
  const char* Stage() const;
  // Milliseconds since the request came; 0 where there has been no chunk.
  int FirstChunkMs() const;
  int TotalMs() const;

  // A chunk leaves.
  void CountChunk(net::TimePoint now, telemetry::Metrics& metrics);
};

// Says how a request ended: one line in the log, never what a person said, and the metrics.
void RecordEnd(const Caller& caller, const Progress& progress, const absl::Status& status,
               telemetry::Metrics& metrics);

// An answer comes all the same, without what this part adds to it.
void RecordMissing(const Caller& caller, const char* part, const absl::Status& why,
                   telemetry::Metrics& metrics);

}  // namespace luna
