#include "server/base/utf8.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace luna {
namespace {

using std::string_literals::operator""s;

const std::string kReplacement = "\uFFFD";

// Everything the encoding has: one to four bytes, the first and last of each length, no gap at NUL.
const std::vector<std::string> kWellFormed = {
    "",
    "a",
    "\0"s,
    "\x7F",
    "\u0080",
    "\u07FF",
    "\u0800",
    "\uD7FF",
    "\uE000",
    "\uFFFD",
    "\uFFFF",
    "\U00010000",
    "\U0010FFFF",
    "안녕하세요",
    "plain ASCII, longer than a machine word",
    "12345678\u00E9",
    "1234567\u00E9",
    "인공지능 AI의 미래 👩‍👩‍👧‍👦 ok"};

struct IllFormed {
  std::string text;
  std::string repaired;
  std::size_t bytes;
};

// The examples of Unicode 15, tables 3-8 to 3-11, then the borders of Table 3-7.
const std::vector<IllFormed> kIllFormed = {
    {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA",
     8},
    {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA",
     8},
    {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA\uFFFD\uFFFDB", 7},
    {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", "\uFFFD\uFFFD\uFFFD\uFFFDA", 8},
    {"\x80", kReplacement, 1},
    {"\xC1\xBF", kReplacement + kReplacement, 2},
    {"\xF5", kReplacement, 1},
    {"\xED\x95", kReplacement, 2},
    {"한\xEA\xB5", "한" + kReplacement, 2},
    {"before, and some more \xF0\x9F\x91 after, and some more",
     "before, and some more \uFFFD after, and some more", 3},
};

TEST(Utf8IsValid, AcceptsEveryWellFormedText) {
  for (const std::string& text : kWellFormed) EXPECT_TRUE(utf8::IsValid(text)) << text;
}

TEST(Utf8IsValid, RefusesEveryIllFormedText) {
  for (const IllFormed& bad : kIllFormed) EXPECT_FALSE(utf8::IsValid(bad.text)) << bad.repaired;
}

TEST(Utf8IsValid, FindsABadByteAtEveryPosition) {
  for (std::size_t position = 0; position < 40; ++position) {
    std::string text(40, 'a');
    text[position] = '\xFF';
    EXPECT_FALSE(utf8::IsValid(text)) << position;
  }
}

TEST(Utf8Repair, LeavesWellFormedTextUntouched) {
  for (const std::string& text : kWellFormed) {
    std::string repaired = text;
    const char* data = repaired.data();
    EXPECT_EQ(utf8::Repair(repaired), 0u);
    EXPECT_EQ(repaired, text);
    EXPECT_EQ(repaired.data(), data);
  }
}

TEST(Utf8Repair, ReplacesEachMaximalIllFormedPartOnce) {
  for (const IllFormed& bad : kIllFormed) {
    std::string text = bad.text;
    EXPECT_EQ(utf8::Repair(text), bad.bytes) << bad.repaired;
    EXPECT_EQ(text, bad.repaired);
  }
}

TEST(Utf8Repair, GivesWellFormedTextForEveryPairAndTripleOfBytes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      for (const char third : {'a', '\x80', '\xBF', '\xED'}) {
        std::string text{static_cast<char>(first), static_cast<char>(second), third};
        const bool valid = utf8::IsValid(text);
        EXPECT_EQ(utf8::Repair(text) == 0, valid);
        EXPECT_TRUE(utf8::IsValid(text));
      }
    }
  }
}

TEST(Utf8Truncate, CutsBetweenCodePointsAtEveryLength) {
  const std::string text = "aé한👍z";  // Starts: 0, 1, 3, 6, 10; size 11.
  const std::size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (std::size_t bytes = 0; bytes <= 12; ++bytes) {
    std::string cut = text;
    utf8::Truncate(cut, bytes);
    EXPECT_EQ(cut, text.substr(0, expected[bytes])) << bytes;
  }
}

TEST(Utf8CompletePrefix, LeavesBackOnlyAnUnfinishedCodePoint) {
  const std::string text = "aé한👍z";
  const std::size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
  for (std::size_t bytes = 0; bytes <= text.size(); ++bytes) {
    EXPECT_EQ(utf8::CompletePrefix(std::string_view(text).substr(0, bytes)), expected[bytes])
        << bytes;
  }
}

TEST(Utf8CompletePrefix, DoesNotHoldBackWhatCanNoLongerBecomeWellFormed) {
  for (const std::string ending : {"\x80", "\xE0\x80", "\xED\xA0", "\xF0\x80\x80", "\xF4\x90",
                                   "\xFF", "\xC3\xA9\xA9", "\xC0"}) {
    EXPECT_EQ(utf8::CompletePrefix(ending), ending.size());
    EXPECT_EQ(utf8::CompletePrefix("한" + ending), 3 + ending.size());
  }
}

TEST(Utf8CompletePrefix, PiecesRepairedOneByOneAreTheTextRepairedWhole) {
  for (const IllFormed& bad : kIllFormed) {
    for (std::size_t cut = 0; cut <= bad.text.size(); ++cut) {
      const std::size_t complete = utf8::CompletePrefix(std::string_view(bad.text).substr(0, cut));
      std::string first = bad.text.substr(0, complete);
      std::string second = bad.text.substr(complete);
      utf8::Repair(first);
      utf8::Repair(second);
      EXPECT_EQ(first + second, bad.repaired) << cut;
    }
  }
}

TEST(Utf8Normalized, TwoWaysToTypeTheSameAreOne) {
  const std::string composed = "\uD55C\uAE00 caf\u00E9";
  for (const std::string text :
       {"\uD55C\uAE00 caf\u00E9", "\u1112\u1161\u11AB\uAE00 cafe\u0301",
        "  \uD55C\uAE00 caf\u00E9\r\n", "\u3000\uD55C\uAE00\t \u00A0\ncaf\u00E9\u2028"}) {
    EXPECT_EQ(utf8::Normalized(text), composed) << text;
  }
}

TEST(Utf8Normalized, WhatIsNotTheSameStaysApart) {
  for (const std::string text :
       {"Caf\u00E9", "caf\u00E9!", "ca f\u00E9", "cafe", "\uFF43af\u00E9", "caf\u00E9\u200B"}) {
    EXPECT_NE(utf8::Normalized(text), "caf\u00E9") << text;
    EXPECT_EQ(utf8::Normalized(text), text);
  }
  EXPECT_EQ(utf8::Normalized(" \t\u3000"), "");
}

}  // namespace
}  // namespace luna
