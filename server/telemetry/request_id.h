#pragma once

#include <string>
#include <string_view>

namespace luna::telemetry {

// The id under which a request is logged: the caller's own (`x-request-id`) where it is 1 to 128
// letters, digits, '-', '_' and '.', else a new random one.
std::string RequestId(std::string_view given);

}  // namespace luna::telemetry
