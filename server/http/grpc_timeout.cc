#include "server/http/grpc_timeout.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include <absl/strings/ascii.h>

namespace luna::http {
namespace {

std::optional<std::chrono::nanoseconds> Unit(char unit) {
  switch (unit) {
    case 'H':
      return std::chrono::hours(1);
    case 'M':
      return std::chrono::minutes(1);
    case 'S':
      return std::chrono::seconds(1);
    case 'm':
      return std::chrono::milliseconds(1);
    case 'u':
      return std::chrono::microseconds(1);
    case 'n':
      return std::chrono::nanoseconds(1);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::chrono::nanoseconds> ParseGrpcTimeout(std::string_view value) {
  if (value.size() < 2 || value.size() > 9) return std::nullopt;
  const auto unit = Unit(value.back());
  const std::string_view digits = value.substr(0, value.size() - 1);
  const auto is_digit = [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); };
  if (!unit || !std::all_of(digits.begin(), digits.end(), is_digit)) return std::nullopt;
  std::int64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  // 8 digits of hours are more than a count of nanoseconds holds.
  constexpr std::chrono::nanoseconds kMost = std::chrono::hours(24);
  if (number > kMost / *unit) return kMost;
  return number * *unit;
}

}  // namespace luna::http
