#pragma once

#include <optional>
#include <string>

namespace luna::translation {

// A language's tag (BCP 47, https://www.rfc-editor.org/info/bcp47) in its usual form: `ko` for KO
// and kor, `zh-Hans` for zh-hans. Nothing where it is not well-formed, or of no language that ICU
// has a name for.
std::optional<std::string> CanonicalLanguage(const std::string& tag);

// What English calls the language of a tag that CanonicalLanguage gave: "Portuguese (Brazil)".
std::string EnglishName(const std::string& tag);

// Whether such a tag is Korean's.
bool IsKorean(const std::string& tag);

}  // namespace luna::translation
