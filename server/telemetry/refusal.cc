#include "server/telemetry/refusal.h"

#include <spdlog/spdlog.h>

namespace luna::telemetry {

void RecordRefusal(Metrics& metrics, const std::string& transport, const std::string& id,
                   const std::string& code) {
  metrics.RequestEnded(transport, code, "request");
  spdlog::info("request id={} transport={} code={} stage=request", id, transport, code);
}

}  // namespace luna::telemetry
