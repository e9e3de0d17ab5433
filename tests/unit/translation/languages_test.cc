#include "server/translation/languages.h"

#include <gtest/gtest.h>

namespace luna::translation {
namespace {

TEST(CanonicalLanguage, GivesATagItsUsualForm) {
  const std::pair<const char*, const char*> tags[] = {
      {"ko", "ko"},          {"KO", "ko"},           {"kor", "ko"},  {"en-us", "en-US"},
      {"PT-br", "pt-BR"},    {"zh-hans", "zh-Hans"}, {"fil", "fil"}, {"sr-LATN-rs", "sr-Latn-RS"},
      {"ko-Hang", "ko-Hang"}};
  for (const auto& [given, canonical] : tags) {
    EXPECT_EQ(CanonicalLanguage(given), std::optional<std::string>(canonical)) << given;
  }
}

TEST(CanonicalLanguage, RefusesWhatIsNoLanguage) {
  for (const std::string tag : {"",          " ",
                                "k",         "ko_KR",
                                "ko ",       " ko",
                                "ko KR",     "ko-",
                                "-ko",       "en--US",
                                "zz",        "xx-US",
                                "auto",      "und",
                                "english",   "korean",
                                "한국어",    "123",
                                "x-private", "ko\n",
                                "en&to=ja",  "en-aaaaaaaa-bbbbbbbb-cccccccc-dddddddd"}) {
    EXPECT_EQ(CanonicalLanguage(tag), std::nullopt) << tag;
  }
  EXPECT_EQ(CanonicalLanguage(std::string("ko\0en", 5)), std::nullopt);
}

TEST(EnglishName, SaysLanguageAndVariety) {
  EXPECT_EQ(EnglishName("ko"), "Korean");
  EXPECT_EQ(EnglishName("pt-BR"), "Portuguese (Brazil)");
}

TEST(IsKorean, GoesByTheLanguageAlone) {
  EXPECT_TRUE(IsKorean("ko"));
  EXPECT_TRUE(IsKorean("ko-KR"));
  EXPECT_FALSE(IsKorean("kok"));
  EXPECT_FALSE(IsKorean(""));
}

}  // namespace
}  // namespace luna::translation
