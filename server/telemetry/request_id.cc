#include "server/telemetry/request_id.h"

#include <algorithm>
#include <cstdint>
#include <random>

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

namespace luna::telemetry {

std::string RequestId(std::string_view given) {
  const auto allowed = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  };
  if (!given.empty() && given.size() <= 128 && std::all_of(given.begin(), given.end(), allowed)) {
    return std::string(given);
  }
  thread_local std::mt19937_64 random{std::random_device{}()};
  return absl::StrCat(absl::Hex(random(), absl::kZeroPad16), absl::Hex(random(), absl::kZeroPad16));
}

}  // namespace luna::telemetry
