#pragma once

#include <string>
#include <string_view>

namespace luna {

inline constexpr std::size_t kSha256Bytes = 32;

// The SHA-256 (FIPS 180-4) of the text, kSha256Bytes as they are.
std::string Sha256(std::string_view text);

}  // namespace luna
