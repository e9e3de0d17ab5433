#include "server/emotion/normalize.h"

#include <gtest/gtest.h>

namespace luna::emotion {
namespace {

TEST(Normalize, LaughterAndTearsHaveOneLength) {
  EXPECT_EQ(Normalize("아ㅋㅋㅋㅋㅋ진짜"), "아 ㅋㅋ 진짜");
  EXPECT_EQ(Normalize("ㅋㅎㅋㅎ"), "ㅋㅋ");
  EXPECT_EQ(Normalize("좋다ㅎㅎㅎㅎ"), "좋다 ㅎㅎ");
  EXPECT_EQ(Normalize("왜ㅜㅠㅜㅠ"), "왜 ㅠㅠ");
  EXPECT_EQ(Normalize("응ㅋ"), "응 ㅋ");
  EXPECT_EQ(Normalize("ㅎㄷㄷ"), "ㅎㄷㄷ");
}

TEST(Normalize, MarksThatCarryFeelingAreTokens) {
  EXPECT_EQ(Normalize("와!!!!!"), "와 !!");
  EXPECT_EQ(Normalize("와!"), "와 !");
  EXPECT_EQ(Normalize("뭐???"), "뭐 ??");
  EXPECT_EQ(Normalize("뭐?!?!"), "뭐 ?!");
  EXPECT_EQ(Normalize("그래..... 알았어."), "그래 .. 알았어");
  EXPECT_EQ(Normalize("응…"), "응 ..");
  EXPECT_EQ(Normalize("좋아~~~"), "좋아 ~");
}

TEST(Normalize, FullWidthAndEmojiMarksAreThoseOfAscii) {
  EXPECT_EQ(Normalize("와！！！"), "와 !!");
  EXPECT_EQ(Normalize("뭐？！"), "뭐 ?!");
  EXPECT_EQ(Normalize("좋아～～"), "좋아 ~");
  EXPECT_EQ(Normalize("좋아〜"), "좋아 ~");
  EXPECT_EQ(Normalize("와❗️❗️"), "와 !!");
  EXPECT_EQ(Normalize("와‼️"), "와 !!");
  EXPECT_EQ(Normalize("뭐❓"), "뭐 ?");
  EXPECT_EQ(Normalize("뭐⁉️"), "뭐 ?!");
  EXPECT_EQ(Normalize("ＯＫ，：）"), "ok :)");
}

TEST(Normalize, EmojiAreTokensWhateverTheirSkinAndColour) {
  EXPECT_EQ(Normalize("웃겨😂😂😂"), "웃겨 😂");
  EXPECT_EQ(Normalize("👍🏽"), "👍");
  EXPECT_EQ(Normalize("❤️💛♥"), "❤");
  EXPECT_EQ(Normalize("사랑해♡🩷"), "사랑해 ❤");
  EXPECT_EQ(Normalize("🤷🏻‍♀️"), "🤷");
}

TEST(Normalize, FacesAreTokens) {
  EXPECT_EQ(Normalize("fine :) really"), "fine :) really");
  EXPECT_EQ(Normalize(":-( T_T"), ":( ㅠㅠ");
  EXPECT_EQ(Normalize("ㅠ_ㅠ ㅡㅡ ^_^"), "ㅠㅠ -_- ^^");
  EXPECT_EQ(Normalize("<3"), "❤");
  EXPECT_EQ(Normalize("http://a.b"), "http a b");
  EXPECT_EQ(Normalize("cat_t_tree"), "cat t tree");
}

TEST(Normalize, CaseFormAndRepetitionDoNotMatter) {
  EXPECT_EQ(Normalize("I'M SOOOOO Happy"), "i'm soo happy");
  EXPECT_EQ(Normalize("don’t"), "don't");
  EXPECT_EQ(Normalize("\u1112\u1161\u11ab"), Normalize("한"));
  EXPECT_EQ(Normalize("아아아아아"), "아아");
  EXPECT_EQ(Normalize("10000"), "10000");
}

TEST(Spell, WritesSyllablesAsTheirLetters) {
  EXPECT_EQ(Spell("한 ok ㅋㅋ"), "\u1112\u1161\u11ab ok ㅋㅋ");
}

TEST(Normalize, WhatSaysNothingIsEmpty) {
  EXPECT_EQ(Normalize(""), "");
  EXPECT_EQ(Normalize(" \t\r\n,;\"()[]"), "");
  EXPECT_EQ(Normalize("\xff\xfe"), "");
  EXPECT_EQ(Normalize(std::string_view("a\0b", 3)), "a b");
}

TEST(Normalize, IsNotChangedByDoingItTwice) {
  for (const char* text : {"아ㅋㅋㅋ 왜!!! 😂😂 :-) T_T", "I'm SOOO done…", "ㅡㅡ ~~ ㅠ_ㅠ"}) {
    EXPECT_EQ(Normalize(Normalize(text)), Normalize(text)) << text;
  }
}

}  // namespace
}  // namespace luna::emotion
