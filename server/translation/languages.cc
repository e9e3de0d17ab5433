#include "server/translation/languages.h"

#include <unicode/locid.h>
#include <unicode/uloc.h>

namespace luna::translation {
namespace {

constexpr std::size_t kLongestTag = 35;  // RFC 5646, 4.4.1
constexpr std::int32_t kLongestId = 128;

std::string LanguageOf(const std::string& tag) { return tag.substr(0, tag.find('-')); }

}  // namespace

std::optional<std::string> CanonicalLanguage(const std::string& tag) {
  if (tag.empty() || tag.size() > kLongestTag || tag.find('\0') != tag.npos) return std::nullopt;
  char id[kLongestId] = "";
  std::int32_t parsed = 0;
  UErrorCode error = U_ZERO_ERROR;
  uloc_forLanguageTag(tag.c_str(), id, kLongestId, &parsed, &error);
  if (U_FAILURE(error) || parsed != static_cast<std::int32_t>(tag.size())) return std::nullopt;
  UChar name[kLongestId];
  uloc_getDisplayLanguage(id, "en", name, kLongestId, &error);
  char language[ULOC_LANG_CAPACITY] = "";
  UErrorCode ignored = U_ZERO_ERROR;  // of a language that is too long there is no name either
  uloc_getLanguage(id, language, ULOC_LANG_CAPACITY, &ignored);
  // ICU gives the code where it knows no name.
  const bool named = U_SUCCESS(error) && error != U_USING_DEFAULT_WARNING && *language != '\0';
  if (!named) return std::nullopt;
  char canonical[kLongestId] = "";
  uloc_toLanguageTag(id, canonical, kLongestId, true, &error);
  if (U_FAILURE(error)) return std::nullopt;
  return canonical;
}

std::string EnglishName(const std::string& tag) {
  UErrorCode error = U_ZERO_ERROR;
  icu::UnicodeString name;
  icu::Locale::forLanguageTag(tag.c_str(), error).getDisplayName(icu::Locale::getEnglish(), name);
  std::string utf8;
  return name.toUTF8String(utf8);
}

bool IsKorean(const std::string& tag) { return LanguageOf(tag) == "ko"; }

}  // namespace luna::translation
