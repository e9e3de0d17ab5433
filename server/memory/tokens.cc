#include "server/memory/tokens.h"

#include <cmath>
#include <cstdint>

#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

namespace luna::memory {
namespace {

// Tokens of one character: between what o200k and cl100k make of everyday utterances, which for
// Korean are as one to two.
constexpr double kSyllable = 1.12;
constexpr double kLatinLetter = 0.26;
constexpr double kDigit = 0.5;
constexpr double kPunctuation = 0.8;
constexpr double kOther = 1.5;

double TokensOf(UChar32 c) {
  if (c < 0 || u_isUWhiteSpace(c)) return 0;
  UErrorCode failed = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(c, &failed);
  if (script == USCRIPT_LATIN) return kLatinLetter;
  if (script == USCRIPT_HANGUL || script == USCRIPT_HAN || script == USCRIPT_HIRAGANA ||
      script == USCRIPT_KATAKANA) {
    return kSyllable;
  }
  if (u_isdigit(c)) return kDigit;
  return u_ispunct(c) ? kPunctuation : kOther;
}

}  // namespace

int EstimateTokens(std::string_view text) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const int length = static_cast<int>(text.size());
  double tokens = 0;
  for (int i = 0; i < length;) {
    UChar32 c = 0;
    U8_NEXT(bytes, i, length, c);
    tokens += TokensOf(c);
  }
  return static_cast<int>(std::ceil(tokens));
}

}  // namespace luna::memory
