#pragma once

#include <string>

#include "server/telemetry/metrics.h"

namespace luna::telemetry {

// Counts and logs a request that a transport refused by itself: what it said is not told, since it
// may hold anything. `code` is one of the contract's.
void RecordRefusal(Metrics& metrics, const std::string& transport, const std::string& id,
                   const std::string& code);

}  // namespace luna::telemetry
