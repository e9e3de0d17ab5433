#include "server/storage/tokenizer.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace luna::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Tokens(std::string_view text, bool query = false) {
  std::vector<std::string> tokens;
  Tokenize(text, query, [&](std::string_view token, int, int) { tokens.emplace_back(token); });
  return tokens;
}

// What stands in the text where the tokens were found.
std::vector<std::string> Places(std::string_view text) {
  std::vector<std::string> places;
  Tokenize(text, false, [&](std::string_view, int begin, int end) {
    places.emplace_back(text.substr(begin, end - begin));
  });
  return places;
}

TEST(Tokenizer, CutsKoreanIntoNeighboursAndTheLastSyllable) {
  EXPECT_THAT(Tokens("날씨가 밥"), ElementsAre("날씨", "씨가", "가", "밥"));
}

TEST(Tokenizer, OfAQueryTheLastSyllableIsWithinItsPair) {
  EXPECT_THAT(Tokens("날씨가 밥", true), ElementsAre("날씨", "씨가", "밥"));
}

TEST(Tokenizer, KeepsWordsOfOtherScriptsWhole) {
  EXPECT_THAT(Tokens("Hello, C++20 Straße"), ElementsAre("hello", "c", "20", "strasse"));
}

TEST(Tokenizer, KeepsScriptsApart) {
  EXPECT_THAT(Tokens("GPT모델이3개"), ElementsAre("gpt", "모델", "델이", "이", "3", "개"));
}

TEST(Tokenizer, AnEmojiIsAToken) {
  EXPECT_THAT(Tokens("좋아😂😂!"), ElementsAre("좋아", "아", "😂", "😂"));
}

TEST(Tokenizer, ReadsHanAndKanaAsItReadsHangul) {
  EXPECT_THAT(Tokens("我爱你 すし"), ElementsAre("我爱", "爱你", "你", "すし", "し"));
}

TEST(Tokenizer, JamoThatMakeASyllableAreTheSyllable) {
  // 날씨, decomposed (NFD), as macOS writes it.
  const std::string decomposed = "\u1102\u1161\u11af\u110a\u1175";
  EXPECT_THAT(Tokens(decomposed), ElementsAre("날씨", "씨"));
  EXPECT_THAT(Places(decomposed), ElementsAre(decomposed, "\u110a\u1175"));
}

TEST(Tokenizer, LettersOfLaughterAreSyllables) {
  EXPECT_THAT(Tokens("ㅋㅋㅋ"), ElementsAre("ㅋㅋ", "ㅋㅋ", "ㅋ"));
}

TEST(Tokenizer, SaysWhereATokenStands) {
  EXPECT_THAT(Places("오늘 Rain"), ElementsAre("오늘", "늘", "Rain"));
}

TEST(Tokenizer, IllFormedBytesStandBetweenWords) {
  EXPECT_THAT(Tokens("a\xff"
                     "b\xea\xb0"),
              ElementsAre("a", "b"));
}

TEST(Tokenizer, NothingIsInNothing) {
  EXPECT_THAT(Tokens(""), IsEmpty());
  EXPECT_THAT(Tokens(" !? ...\n"), IsEmpty());
}

TEST(MatchExpression, LooksForEveryWordAsABeginning) {
  EXPECT_EQ(MatchExpression("날씨  비\t"), "\"날씨\"* AND \"비\"*");
}

TEST(MatchExpression, QuotesWhatFts5WouldRead) {
  EXPECT_EQ(MatchExpression("a\"b OR* NEAR("), "\"a\"\"b\"* AND \"OR*\"* AND \"NEAR(\"*");
}

TEST(MatchExpression, IsEmptyWhereThereIsNothingToLookFor) {
  EXPECT_EQ(MatchExpression(" ?! \" "), "");
}

}  // namespace
}  // namespace luna::storage
