#include "server/interaction/word_splitter.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unicode/brkiter.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

namespace luna {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Words = std::vector<std::string>;

std::string Repeated(std::string_view part, std::size_t times) {
  std::string text;
  while (times-- > 0) text += part;
  return text;
}

std::string Joined(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += word;
  return text;
}

Words CharactersOf(const std::string& text) {
  Words characters;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    U8_FWD_1(text.data(), at, text.size());
    characters.push_back(text.substr(start, at - start));
  }
  return characters;
}

Words WordsOf(const Words& pushes) {
  WordSplitter splitter;
  Words words;
  for (const std::string& push : pushes) splitter.Push(push, words);
  splitter.Finish(words);
  EXPECT_FALSE(splitter.holding());
  return words;
}

std::set<std::size_t> ClusterBordersOf(const std::string& text) {
  UErrorCode error = U_ZERO_ERROR;
  std::unique_ptr<icu::BreakIterator> clusters(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), error));
  UText view = UTEXT_INITIALIZER;
  utext_openUTF8(&view, text.data(), text.size(), &error);
  clusters->setText(&view, error);
  utext_close(&view);
  EXPECT_TRUE(U_SUCCESS(error));
  std::set<std::size_t> borders;
  for (int border = clusters->first(); border != icu::BreakIterator::DONE;) {
    borders.insert(border);
    border = clusters->next();
  }
  return borders;
}

struct Text {
  const char* name;
  std::string text;
};

const std::string kMarks = "\u0301\u0323\u035C\u0489";

const std::vector<Text> kCorpus = {
    {"Empty", ""},
    {"Korean", "인공지능의 미래는 매우 밝습니다.\n\n그렇지 않을까요?  \"네, 그럼요!\" "},
    {"Jamo",
     "\u1112\u1161\u11AB\u1100\u116E\u11A8 \u1112\u1112\u1161\u1161\u11AB \u1112 \uAC00\u11A8"},
    {"EmojiFamilies",
     "👩‍👩‍👧‍👦 👨🏿‍🚀👩🏻‍❤️‍💋‍👨🏽 ❤️ 1️⃣ "
     "👍🏽" +
         Repeated("👩‍👩‍👧‍👦", 20)},
    {"Flags", "🇰🇷 🇺🇸🇯🇵 🇰 🇰🇷🇺" + Repeated("🇰🇷", 30) + "🏴󠁧󠁢󠁥󠁮󠁧󠁿"},
    {"Devanagari", "नमस्ते दुनिया क्षत्रिय र्क्ष श्री " + Repeated("क्षि", 20)},
    {"Thai", Repeated("สวัสดีชาวโลกที่น้ำใจดี", 8)},
    {"CombiningMarks", "e\u0301te\u0301 \u0301x a\u0308\u0323 o \u200D y\uFE0F \uFE0Fz\u00A0n"},
    {"Prepended", "\u0600\u0661 \u0600 x \u0600\n\u0600  y \U000110BD \U000110BD"},
    {"LineEnds", "one\r\ntwo\r\n\r\nthree\rfour\n\tfive\u2028six\u0085seven\r\n"},
    {"IdeographicSpace", "東京　大阪　　京都"},
    {"OnlyWhiteSpace", " \t\n 　 "},
    {"LongWhiteSpace", "abc" + Repeated(" ", 200) + "def" + Repeated("　", 30)},
    {"TrailingWhiteSpace", Repeated("x", 60) + Repeated(" ", 10)},
    {"Zalgo", "a " + ("Z" + Repeated(kMarks, 640)) + "b c" + Repeated(kMarks, 20) + " d"},
    {"LongUrl", "see https://example.com/" + Repeated("path/%ED%95%9C?q=1&", 30) + " there"},
    {"Chinese", Repeated("人工智能的未来非常光明，", 115)},
    {"Mixed", Repeated("x", 63) + "각" + Repeated("y", 62) + "👩‍👩‍👧‍👦 " +
                  Repeated("é", 40) + "한"},
};

class AnyText : public testing::TestWithParam<Text> {};

INSTANTIATE_TEST_SUITE_P(Corpus, AnyText, testing::ValuesIn(kCorpus),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(AnyText, IsItsWordsJoined) {
  const std::string& text = GetParam().text;
  EXPECT_EQ(Joined(WordsOf({text})), text);
}

TEST_P(AnyText, HasTheSameWordsHoweverItArrives) {
  const std::string& text = GetParam().text;
  const Words whole = WordsOf({text});
  const Words characters = CharactersOf(text);
  ASSERT_EQ(WordsOf(characters), whole);
  std::size_t cut = 0;
  for (const std::string& character : characters) {
    ASSERT_EQ(WordsOf({text.substr(0, cut), text.substr(cut)}), whole) << cut;
    cut += character.size();
  }
}

TEST_P(AnyText, SplitsNoClusterOfUpToOneKibibyte) {
  const std::string& text = GetParam().text;
  const std::set<std::size_t> borders = ClusterBordersOf(text);
  std::size_t end = 0;
  for (const std::string& word : WordsOf({text})) {
    ASSERT_FALSE(word.empty());
    end += word.size();
    if (borders.count(end)) continue;
    const auto next = borders.upper_bound(end);
    EXPECT_GT(*next - *std::prev(next), 1024u) << word;
  }
}

TEST_P(AnyText, LeavesInWordsOf64BytesOrOneCluster) {
  for (const std::string& word : WordsOf({GetParam().text})) {
    EXPECT_LE(word.size(), 1024u);
    EXPECT_TRUE(word.size() <= 64 || ClusterBordersOf(word).size() == 2) << word;
  }
}

TEST_P(AnyText, StartsEveryWordWithWhiteSpaceUnlessItIsAPiece) {
  const Words words = WordsOf({GetParam().text});
  for (std::size_t i = 1; i < words.size(); ++i) {
    const bool leading = words[i].find_first_of(" \t\r\n") == 0 || words[i].rfind("　", 0) == 0 ||
                         words[i].rfind("\u00A0", 0) == 0 || words[i].rfind("\u2028", 0) == 0 ||
                         words[i].rfind("\u0085", 0) == 0;
    // A piece is cut where the next cluster would not have fitted any more.
    const std::string both = words[i - 1] + words[i];
    const std::set<std::size_t> borders = ClusterBordersOf(both);
    const auto next = borders.upper_bound(words[i - 1].size());
    EXPECT_TRUE(leading || (next != borders.end() && *next > 64))
        << words[i - 1] << '|' << words[i];
  }
}

TEST_P(AnyText, IsItsWordsJoinedWhenReleasedAfterEveryCharacter) {
  const std::string& text = GetParam().text;
  WordSplitter splitter;
  Words words;
  std::size_t arrived = 0;
  for (const std::string& character : CharactersOf(text)) {
    splitter.Push(character, words);
    arrived += character.size();
    splitter.Release(words);
    ASSERT_EQ(splitter.holding(), Joined(words).size() < arrived);
  }
  splitter.Finish(words);
  EXPECT_EQ(Joined(words), text);
}

TEST(WordSplitter, GivesTheWordsOfTheGuide) {
  EXPECT_THAT(WordsOf({"인공지능의 미래는 매우"}), ElementsAre("인공지능의", " 미래는", " 매우"));
}

TEST(WordSplitter, PutsWhiteSpaceBeforeAWordAndAtTheEndAfterTheLast) {
  EXPECT_THAT(WordsOf({"  a  b\n"}), ElementsAre("  a", "  b\n"));
  EXPECT_THAT(WordsOf({" \t\n"}), ElementsAre(" \t\n"));
  EXPECT_THAT(WordsOf({"東京　大阪\u00A0京都"}), ElementsAre("東京", "　大阪", "\u00A0京都"));
}

TEST(WordSplitter, GivesAWordOnceTheNextOneStarts) {
  WordSplitter splitter;
  Words words;
  EXPECT_FALSE(splitter.holding());
  splitter.Push("인공지능의", words);
  EXPECT_TRUE(splitter.holding());
  splitter.Push(" ", words);
  EXPECT_THAT(words, IsEmpty());
  splitter.Push("미", words);
  EXPECT_THAT(words, ElementsAre("인공지능의"));
  splitter.Finish(words);
  EXPECT_THAT(words, ElementsAre("인공지능의", " 미"));
}

TEST(WordSplitter, KeepsAMarkWithTheWhiteSpaceItStandsOn) {
  EXPECT_THAT(WordsOf({"a \u0301b c"}), ElementsAre("a", " \u0301b", " c"));
}

TEST(WordSplitter, KeepsWhiteSpaceWithAPrependedMark) {
  EXPECT_THAT(WordsOf({"a \u0600 b"}), ElementsAre("a", " \u0600 b"));
  EXPECT_THAT(WordsOf({"a \u0600\nb"}), ElementsAre("a", " \u0600", "\nb"));
}

TEST(WordSplitter, KeepsALineEndWhole) {
  EXPECT_THAT(WordsOf({"a\r\nb"}), ElementsAre("a", "\r\nb"));
  EXPECT_THAT(WordsOf({"a\r", "\nb"}), ElementsAre("a", "\r\nb"));
}

TEST(WordSplitter, KeepsAWordOf64BytesAndCutsALongerOne) {
  const std::string fits(64, 'x');
  EXPECT_THAT(WordsOf({fits + " y"}), ElementsAre(fits, " y"));
  EXPECT_THAT(WordsOf({fits + "z y"}), ElementsAre(fits, "z", " y"));
  EXPECT_THAT(WordsOf({Repeated("한", 43)}),
              ElementsAre(Repeated("한", 21), Repeated("한", 21), "한"));
}

TEST(WordSplitter, SendsAPieceWithoutWaitingForTheEndOfTheWord) {
  WordSplitter splitter;
  Words words;
  splitter.Push(Repeated("人", 22), words);
  EXPECT_THAT(words, ElementsAre(Repeated("人", 21)));
}

TEST(WordSplitter, KeepsAClusterWholeUpToOneKibibyte) {
  const std::string whole = "\u00E9" + Repeated("\u0301", 511);
  ASSERT_EQ(whole.size(), 1024u);
  EXPECT_THAT(WordsOf({"x" + whole + "y"}), ElementsAre("x", whole, "y"));
  const std::string longer = "Z" + Repeated("\u0301", 600);
  EXPECT_THAT(WordsOf({longer + "y"}),
              ElementsAre(longer.substr(0, 1023), longer.substr(1023), "y"));
}

TEST(WordSplitter, SeparatesALongRunOfWhiteSpace) {
  WordSplitter splitter;
  Words words;
  splitter.Push("a" + std::string(64, ' '), words);
  EXPECT_THAT(words, IsEmpty());
  splitter.Push(" ", words);
  EXPECT_THAT(words, ElementsAre("a", std::string(64, ' ')));
}

struct Held {
  const char* name;
  std::string text;
  std::string released;
};

class HeldWord : public testing::TestWithParam<Held> {};

TEST_P(HeldWord, IsReleasedButForAVisiblyUnfinishedCluster) {
  WordSplitter splitter;
  Words words;
  splitter.Push(GetParam().text, words);
  splitter.Release(words);
  EXPECT_EQ(Joined(words), GetParam().released);
  EXPECT_EQ(splitter.holding(), GetParam().released != GetParam().text);
  splitter.Finish(words);
  EXPECT_EQ(Joined(words), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    Ends, HeldWord,
    testing::Values(
        Held{"Nothing", "", ""}, Held{"Word", "인공", "인공"}, Held{"WhiteSpace", "인공 ", "인공 "},
        Held{"Joiner", "가👩\u200D", "가"},
        Held{"WholeFamily", "가👩‍👩‍👧‍👦", "가👩‍👩‍👧‍👦"},
        Held{"LoneRegionalIndicator", "🇰🇷🇺", "🇰🇷"}, Held{"Flag", "🇰🇷", "🇰🇷"},
        Held{"LeadingJamo", "나\u1112", "나"}, Held{"LeadingJamos", "나\u1112\u1112", "나"},
        Held{"OpenSyllable", "나\u1112\u1161", "나\u1112\u1161"}, Held{"Virama", "नमस\u094D", "नम"},
        Held{"Prepended", "a\u0600", "a"}, Held{"CarriageReturn", "a\r", "a"},
        Held{"OnlyJoiner", "\u200D", ""}, Held{"JoinerOnWhiteSpace", "a \u200D", "a"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(WordSplitter, GoesOnAfterARelease) {
  WordSplitter splitter;
  Words words;
  splitter.Push("인공", words);
  splitter.Release(words);
  splitter.Push("지능의 미", words);
  splitter.Release(words);
  splitter.Push("래는 ", words);
  splitter.Finish(words);
  EXPECT_THAT(words, ElementsAre("인공", "지능의", " 미", "래는 "));
}

TEST(WordSplitter, CompletesAHeldClusterWithWhatComes) {
  WordSplitter splitter;
  Words words;
  splitter.Push("👩\u200D", words);
  splitter.Release(words);
  EXPECT_THAT(words, IsEmpty());
  splitter.Push("🚀", words);
  splitter.Release(words);
  EXPECT_THAT(words, ElementsAre("👩\u200D🚀"));
}

}  // namespace
}  // namespace luna
