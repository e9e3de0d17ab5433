#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

// What the fuzzers share.
namespace luna::fuzz {

// Ends the run, which makes the input a finding, unless `holds`. `what` is what should hold.
inline void Check(bool holds, std::string_view what, std::string_view saw = "") {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n%.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(saw.size()), saw.data());
  std::abort();
}

// `text` in pieces whose sizes `seed` decides: bytes, or up to 4, 16, ... bytes each. Every piece
// has memory of its own, so that ASan sees who reads past its end, or later.
inline std::vector<std::vector<char>> Pieces(std::string_view text, std::uint8_t seed) {
  std::minstd_rand random(seed);
  const std::size_t longest = std::size_t{1} << (2 * (seed % 5));
  std::vector<std::vector<char>> pieces;
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, 1 + random() % longest);
    pieces.emplace_back(piece.begin(), piece.end());
    text.remove_prefix(piece.size());
  }
  return pieces;
}

inline std::string_view View(const std::vector<char>& piece) {
  return {piece.data(), piece.size()};
}

// Takes one byte off the front of `input`; 0 where there is none.
inline std::uint8_t TakeByte(std::string_view& input) {
  if (input.empty()) return 0;
  const auto byte = static_cast<std::uint8_t>(input.front());
  input.remove_prefix(1);
  return byte;
}

}  // namespace luna::fuzz
