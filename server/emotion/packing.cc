#include "server/emotion/packing.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace luna::emotion {
namespace {

constexpr float kMost = 127;
constexpr std::size_t kScaleBytes = 2;

// The upper half of a float, rounded up so that no number of the row is over kMost times it.
std::uint16_t UpperHalf(float scale) {
  const auto bits = std::bit_cast<std::uint32_t>(scale);
  return static_cast<std::uint16_t>((bits >> 16) + ((bits & 0xffff) != 0 ? 1 : 0));
}

float FromUpperHalf(std::uint16_t half) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
}

// A side that has overflowed would be no model's.
bool IsSane(const Matrix& matrix) {
  constexpr std::size_t kMostRows = 10'000'000;
  constexpr std::size_t kMostColumns = 1'000;
  return matrix.rows <= kMostRows && matrix.columns <= kMostColumns;
}

}  // namespace

std::string PackMatrix(std::string_view file, const Matrix& matrix) {
  std::string packed(file.substr(0, matrix.offset));
  const char* numbers = file.data() + matrix.offset;
  std::string row;
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    float most = 0;
    for (std::size_t j = 0; j < matrix.columns; ++j) {
      float number = 0;
      std::memcpy(&number, numbers + (i * matrix.columns + j) * sizeof(float), sizeof(float));
      most = std::max(most, std::abs(number));
    }
    const std::uint16_t half = UpperHalf(most / kMost);
    const float scale = FromUpperHalf(half);
    packed.push_back(static_cast<char>(half & 0xff));
    packed.push_back(static_cast<char>(half >> 8));
    for (std::size_t j = 0; j < matrix.columns; ++j) {
      float number = 0;
      std::memcpy(&number, numbers + (i * matrix.columns + j) * sizeof(float), sizeof(float));
      packed.push_back(static_cast<char>(scale == 0 ? 0 : std::lround(number / scale)));
    }
  }
  packed += file.substr(matrix.offset + matrix.bytes());
  return packed;
}

std::optional<std::string> UnpackMatrix(std::string_view packed, const Matrix& matrix) {
  if (!IsSane(matrix)) return std::nullopt;
  const std::size_t taken = matrix.rows * (kScaleBytes + matrix.columns);
  if (packed.size() < matrix.offset || packed.size() - matrix.offset < taken) return std::nullopt;
  std::string file(packed.substr(0, matrix.offset));
  file.resize(matrix.offset + matrix.bytes());
  const char* from = packed.data() + matrix.offset;
  char* to = file.data() + matrix.offset;
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    const auto low = static_cast<std::uint8_t>(from[0]);
    const auto high = static_cast<std::uint8_t>(from[1]);
    const float scale = FromUpperHalf(static_cast<std::uint16_t>(high << 8 | low));
    from += kScaleBytes;
    for (std::size_t j = 0; j < matrix.columns; ++j, ++from, to += sizeof(float)) {
      const float number = scale * static_cast<float>(static_cast<std::int8_t>(*from));
      std::memcpy(to, &number, sizeof(float));
    }
  }
  file += packed.substr(matrix.offset + taken);
  return file;
}

}  // namespace luna::emotion
