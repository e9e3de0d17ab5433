#include "server/base/lru_cache.h"

#include <gtest/gtest.h>

namespace luna {
namespace {

constexpr std::size_t kTen = 10;  // bytes of a value

// Has room for two values under keys of a letter.
class LruCacheTest : public testing::Test {
 protected:
  LruCache<int> cache_{2 * (kTen + 1)};
};

TEST_F(LruCacheTest, FindsWhatWasKeptLast) {
  EXPECT_EQ(cache_.Find("a"), std::nullopt);
  cache_.Keep("a", 1, kTen);
  cache_.Keep("a", 2, kTen);
  EXPECT_EQ(cache_.Find("a"), 2);
  EXPECT_EQ(cache_.Find("b"), std::nullopt);
}

TEST_F(LruCacheTest, TheLeastRecentlyUsedGoesFirst) {
  cache_.Keep("a", 1, kTen);
  cache_.Keep("b", 2, kTen);
  EXPECT_EQ(cache_.Find("a"), 1);
  cache_.Keep("c", 3, kTen);
  EXPECT_EQ(cache_.Find("a"), 1);
  EXPECT_EQ(cache_.Find("b"), std::nullopt);
  EXPECT_EQ(cache_.Find("c"), 3);
}

TEST_F(LruCacheTest, WhatIsReplacedTakesItsBytesAlong) {
  cache_.Keep("a", 1, kTen);
  for (int i = 0; i < 3; ++i) cache_.Keep("b", i, kTen);
  EXPECT_EQ(cache_.Find("a"), 1);
}

TEST_F(LruCacheTest, WhatIsTooLargeIsNotKeptAndNeitherIsWhatItReplaces) {
  cache_.Keep("a", 1, kTen);
  cache_.Keep("b", 2, kTen);
  cache_.Keep("a", 3, 2 * kTen + 2);
  EXPECT_EQ(cache_.Find("a"), std::nullopt);
  EXPECT_EQ(cache_.Find("b"), 2);
}

TEST_F(LruCacheTest, IsEmptyOnceCleared) {
  cache_.Keep("a", 1, kTen);
  cache_.Clear();
  EXPECT_EQ(cache_.Find("a"), std::nullopt);
  cache_.Keep("b", 2, kTen);
  cache_.Keep("c", 3, kTen);
  EXPECT_EQ(cache_.Find("b"), 2);
}

}  // namespace
}  // namespace luna
