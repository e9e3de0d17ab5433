#include "server/base/hangul.h"

#include <unicode/uscript.h>
#include <unicode/utf8.h>

namespace luna {

bool HasHangul(std::string_view text) {
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t at = 0; at < size;) {
    UChar32 c = 0;
    U8_NEXT(text.data(), at, size, c);
    UErrorCode failed = U_ZERO_ERROR;
    if (c > 0 && uscript_getScript(c, &failed) == USCRIPT_HANGUL) return true;
  }
  return false;
}

}  // namespace luna
