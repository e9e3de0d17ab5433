#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace luna::http {

// The deadline that a caller sets by the header Grpc-Timeout, as gRPC over HTTP/2 writes it: at
// most 8 digits and a unit, one of H, M, S, m (milli), u (micro), n (nano). Nothing where `value`
// is not that.
std::optional<std::chrono::nanoseconds> ParseGrpcTimeout(std::string_view value);

}  // namespace luna::http
