#include "server/base/hangul.h"

#include <gtest/gtest.h>

namespace luna {
namespace {

TEST(HasHangul, FindsSyllablesAndTheirParts) {
  for (const char* text : {"안녕", "hello 가", "ㅋㅋ", "ㅠ", "\u1100", "\uFFA1", "日本 한"}) {
    EXPECT_TRUE(HasHangul(text)) << text;
  }
}

TEST(HasHangul, FindsNoneElsewhere) {
  for (const char* text : {"", "hello", "日本語", "ありがとう", "😀", "1 + 1 = 2", "\xED\x95"}) {
    EXPECT_FALSE(HasHangul(text)) << text;
  }
}

}  // namespace
}  // namespace luna
