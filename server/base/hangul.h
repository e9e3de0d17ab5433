#pragma once

#include <string_view>

namespace luna {

// Whether any letter of the text is Hangul: a syllable or a part of one.
bool HasHangul(std::string_view text);

}  // namespace luna
