#include "server/base/utf8.h"

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace luna::utf8 {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The first position at or after `position` where a byte is not ASCII, or `text`'s size.
std::size_t SkipAscii(std::string_view text, std::size_t position) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::uint64_t word;
  for (; text.size() - position >= sizeof word; position += sizeof word) {
    std::memcpy(&word, text.data() + position, sizeof word);
    if (word & kHighBits) break;
  }
  while (position < text.size() && U8_IS_SINGLE(text[position])) ++position;
  return position;
}

// Advances `position` past one code point, or past one maximal ill-formed part, which gives false.
bool Next(std::string_view text, std::size_t& position) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  UChar32 code_point;
  U8_NEXT(bytes, position, text.size(), code_point);
  return code_point >= 0;
}

// The first position at or after `position` where an ill-formed part starts, or `text`'s size.
std::size_t FindIllFormed(std::string_view text, std::size_t position) {
  while ((position = SkipAscii(text, position)) < text.size()) {
    std::size_t next = position;
    while (next < text.size() && !U8_IS_SINGLE(text[next])) {
      if (!Next(text, next)) return position;
      position = next;
    }
  }
  return position;
}

}  // namespace

bool IsValid(std::string_view text) { return FindIllFormed(text, 0) == text.size(); }

std::size_t Repair(std::string& text) {
  std::size_t bad = FindIllFormed(text, 0);
  if (bad == text.size()) return 0;
  std::string repaired;
  std::size_t replaced = 0;
  std::size_t copied = 0;
  for (; bad < text.size(); bad = FindIllFormed(text, copied)) {
    repaired.append(text, copied, bad - copied).append(kReplacement);
    copied = bad;
    Next(text, copied);
    replaced += copied - bad;
  }
  repaired.append(text, copied);
  text = std::move(repaired);
  return replaced;
}

void Truncate(std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return;
  while (bytes > 0 && U8_IS_TRAIL(text[bytes])) --bytes;
  text.resize(bytes);
}

std::size_t CompletePrefix(std::string_view text) {
  auto length = static_cast<std::ptrdiff_t>(text.size());  // Signed: the macro subtracts.
  U8_TRUNCATE_IF_INCOMPLETE(text.data(), 0, length);
  return static_cast<std::size_t>(length);
}

std::string_view Compose(std::string_view text, std::string& composed) {
  UErrorCode failed = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(failed);
  const icu::StringPiece piece(text.data(), static_cast<int>(text.size()));
  if (U_SUCCESS(failed) && nfc->isNormalizedUTF8(piece, failed)) return text;
  icu::StringByteSink<std::string> sink(&composed);
  nfc->normalizeUTF8(0, piece, sink, nullptr, failed);
  if (U_FAILURE(failed)) throw std::runtime_error(u_errorName(failed));
  return composed;
}

std::string Normalized(std::string_view text) {
  std::string storage;
  const std::string_view composed = Compose(text, storage);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(composed.data());
  std::string result;
  result.reserve(composed.size());
  bool space = false;  // since the last character that is none
  for (std::size_t begin = 0, end = 0; end < composed.size(); begin = end) {
    UChar32 code_point;
    U8_NEXT(bytes, end, composed.size(), code_point);
    if (u_isUWhiteSpace(code_point)) {
      space = true;
      continue;
    }
    if (space && !result.empty()) result += ' ';
    space = false;
    result += composed.substr(begin, end - begin);
  }
  return result;
}

}  // namespace luna::utf8
