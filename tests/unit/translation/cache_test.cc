#include "server/translation/cache.h"

#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "server/base/error.h"

namespace luna::translation {
namespace {

using Found = std::optional<std::string>;

Passage Korean(const std::string& text) { return {text, "ko", "en"}; }

// So many bytes as `count` entries of a one-letter text and a translation of ten have.
Cache ForEntries(std::size_t count) { return Cache(count * (std::string("ko en a").size() + 10)); }

const std::string kTen(10, 't');

TEST(Cache, FindsWhatWasKept) {
  Cache cache;
  EXPECT_EQ(cache.Find(Korean("안녕")), std::nullopt);
  cache.Keep(Korean("안녕"), "Hello");
  EXPECT_EQ(cache.Find(Korean("안녕")), Found("Hello"));
}

TEST(Cache, TellsTextsAndLanguagesApart) {
  Cache cache;
  cache.Keep(Korean("안녕"), "Hello");
  EXPECT_EQ(cache.Find(Korean("안녕 ")), std::nullopt);
  EXPECT_EQ(cache.Find({"안녕", "ko", "ja"}), std::nullopt);
  EXPECT_EQ(cache.Find({"안녕", "", "en"}), std::nullopt);
}

TEST(Cache, TheLeastRecentlyUsedGoesFirst) {
  Cache cache = ForEntries(2);
  cache.Keep(Korean("a"), kTen);
  cache.Keep(Korean("b"), kTen);
  EXPECT_NE(cache.Find(Korean("a")), std::nullopt);
  cache.Keep(Korean("c"), kTen);
  EXPECT_NE(cache.Find(Korean("a")), std::nullopt);
  EXPECT_EQ(cache.Find(Korean("b")), std::nullopt);
  EXPECT_NE(cache.Find(Korean("c")), std::nullopt);
}

TEST(Cache, IsBoundedInBytes) {
  Cache cache = ForEntries(2);
  cache.Keep(Korean("a"), kTen);
  cache.Keep(Korean("b"), std::string(20, 't'));
  EXPECT_EQ(cache.Find(Korean("a")), std::nullopt);
  EXPECT_NE(cache.Find(Korean("b")), std::nullopt);
  cache.Keep(Korean("c"), std::string(100, 't'));
  EXPECT_EQ(cache.Find(Korean("c")), std::nullopt);
  EXPECT_NE(cache.Find(Korean("b")), std::nullopt);
}

TEST(Cache, WhatIsKeptTwiceCountsOnce) {
  Cache cache = ForEntries(2);
  cache.Keep(Korean("a"), kTen);
  for (int i = 0; i < 3; ++i) cache.Keep(Korean("b"), kTen);
  EXPECT_NE(cache.Find(Korean("a")), std::nullopt);
}

// Counts how often it is asked, and fails at first.
class Once final : public Translator {
 public:
  explicit Once(int& asked) : asked_(asked) {}
  boost::asio::awaitable<absl::StatusOr<std::string>> Translate(Passage passage) override {
    if (++asked_ == 1) co_return MakeError(ErrorCode::kUpstreamUnavailable, "not yet");
    co_return "in English: " + passage.text;
  }

 private:
  int& asked_;
};

TEST(CachedTranslator, AsksForWhatItDoesNotHaveAndKeepsNoFailure) {
  Cache cache;
  int asked = 0;
  CachedTranslator translator(std::make_unique<Once>(asked), cache);
  const auto translate = [&] {
    boost::asio::io_context context;
    absl::StatusOr<std::string> result = absl::UnknownError("");
    Passage passage = Korean("안녕");
    boost::asio::co_spawn(
        context, translator.Translate(std::move(passage)),
        [&](std::exception_ptr, absl::StatusOr<std::string> r) { result = std::move(r); });
    context.run();
    return result;
  };
  EXPECT_FALSE(translate().ok());
  EXPECT_EQ(*translate(), "in English: 안녕");
  EXPECT_EQ(*translate(), "in English: 안녕");
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace luna::translation
