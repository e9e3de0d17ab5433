#include "server/cache/response_cache.h"

#include <future>
#include <memory>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/error.h"
#include "server/base/guard.h"
#include "server/cache/answers.h"
#include "tests/support/temporary_folder.h"

namespace luna {
namespace {

namespace asio = boost::asio;
using storage::Connection;
using testing::HasSubstr;
using testing::Not;

std::string Key(char letter) { return std::string(32, letter); }

class ResponseCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(storage::Prepare(file_, false).ok());
    Start();
  }

  // As after a start of the server.
  void Start() {
    cache_.reset();
    database_.reset();
    database_ = std::make_unique<storage::Database>(file_, [] {});
    cache_ =
        std::make_unique<ResponseCache>(options_, *database_, metrics_, [this] { return now_; });
  }

  // Runs the loop until the work has ended.
  template <class Result>
  Result Await(asio::awaitable<Result> work) {
    std::optional<Result> result;
    context_.restart();
    asio::co_spawn(context_, Guard(std::move(work)),
                   [&](std::exception_ptr, Result value) { result = std::move(value); });
    while (!result) context_.run_one();
    return *std::move(result);
  }

  static v1::Complete Answer(const std::string& text) {
    v1::Complete answer;
    answer.set_text(text);
    answer.set_finish_reason("STOP");
    answer.mutable_usage()->set_total_tokens(7);
    answer.set_model("m1");
    answer.set_target("main");
    return answer;
  }

  void Put(char key, const std::string& text, const std::string& user = "na",
           std::function<bool(Connection&)> holds = nullptr) {
    const absl::Status kept = Await(cache_->Put(user, Key(key), Answer(text), std::move(holds)));
    ASSERT_TRUE(kept.ok()) << kept;
  }

  // "" where there is none.
  std::string Get(char key, const std::string& user = "na") {
    const auto found = Await(cache_->Get(user, Key(key)));
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() && *found ? (*found)->text() : "";
  }

  v1::GetCacheStatsResponse Stats(const std::string& user = "na") {
    return Await(cache_->Stats(user)).value();
  }

  int Count(const char* sql) { return Connection(file_).database().execAndGet(sql).getInt(); }

  const std::int64_t second_ = 1'000'000;
  std::int64_t now_ = 1'700'000'000 * second_;
  config::Cache options_;
  test::TemporaryFolder folder_;
  const std::string file_ = folder_ / "luna.db";
  asio::io_context context_;
  telemetry::Metrics metrics_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<ResponseCache> cache_;
};

TEST_F(ResponseCacheTest, GivesAgainWhatWasKept) {
  EXPECT_EQ(Get('a'), "");
  Put('a', "하나");
  const auto found = Await(cache_->Get("na", Key('a')));
  EXPECT_EQ((*found)->SerializeAsString(), Answer("하나").SerializeAsString());
  EXPECT_EQ(Get('b'), "");
  Put('a', "둘");
  EXPECT_EQ(Get('a'), "둘");
}

TEST_F(ResponseCacheTest, AnothersAnswerIsNotThere) {
  Put('a', "하나", "na");
  Put('b', "둘", "neo");
  for (const char* other : {"neo", "NA", "na ", "", "%"}) EXPECT_EQ(Get('a', other), "") << other;
  EXPECT_EQ(Stats("neo").total_cached(), 1);
  EXPECT_EQ(Await(cache_->Clear("neo")).value(), 1);
  EXPECT_EQ(Await(cache_->Clear("nobody")).value(), 0);
  now_ += options_.ttl_seconds * second_;
  EXPECT_EQ(Await(cache_->CleanUp("neo")).value(), 0);
  now_ -= options_.ttl_seconds * second_;
  EXPECT_EQ(Get('a'), "하나");
}

TEST_F(ResponseCacheTest, AnAnswerIsGoodForAsLongAsConfigured) {
  Put('a', "하나");
  now_ += options_.ttl_seconds * second_ - 1;
  EXPECT_EQ(Get('a'), "하나");  // which makes it no younger
  now_ += 1;
  EXPECT_EQ(Get('a'), "");
  EXPECT_EQ(Stats().total_cached(), 0);
}

TEST_F(ResponseCacheTest, AClockThatWasSetBackMakesNoAnswerOlderThanAllowed) {
  Put('a', "하나");
  now_ -= 1;
  EXPECT_EQ(Get('a'), "");
  EXPECT_EQ(Stats().total_cached(), 0);
  EXPECT_EQ(Await(cache_->CleanUp("na")).value(), 1);
}

TEST_F(ResponseCacheTest, TheLeastRecentlyUsedLeavesFirst) {
  options_.max_size = 3;
  Start();
  for (const char key : {'a', 'b', 'c'}) Put(key, std::string(1, key));
  EXPECT_EQ(Get('a'), "a");
  Put('d', "d");
  EXPECT_EQ(Get('b'), "");
  Put('c', "c2");
  Put('e', "e");
  EXPECT_EQ(Get('a'), "");
  EXPECT_EQ(Get('c') + Get('d') + Get('e'), "c2de");
  EXPECT_EQ(Stats().total_cached(), 3);
}

TEST_F(ResponseCacheTest, OneUsersAnswersPushOutNobodyElses) {
  options_.max_size = 2;
  Start();
  Put('a', "하나", "neo");
  for (const char key : {'b', 'c', 'd', 'e'}) Put(key, "둘");
  EXPECT_EQ(Get('a', "neo"), "하나");
}

TEST_F(ResponseCacheTest, ALoweredSizeHoldsAtTheNextAnswer) {
  for (const char key : {'a', 'b', 'c', 'd'}) Put(key, "하나");
  options_.max_size = 2;
  Start();
  Put('e', "둘");
  EXPECT_EQ(Stats().total_cached(), 2);
  EXPECT_EQ(Get('d') + Get('e'), "하나둘");
}

TEST_F(ResponseCacheTest, WithSizeZeroNothingIsFoundCountedOrKept) {
  Put('a', "하나");
  options_.max_size = 0;
  Start();
  EXPECT_EQ(Get('a'), "");
  Put('b', "둘");
  EXPECT_EQ(Count("SELECT count(*) FROM cached_answers"), 1);
  const v1::GetCacheStatsResponse stats = Stats();
  EXPECT_EQ(stats.hits() + stats.misses(), 0);
  EXPECT_EQ(stats.max_size(), 0);
  EXPECT_EQ(Await(cache_->Clear("na")).value(), 1);
}

TEST_F(ResponseCacheTest, WhatIsTooOldOfAnybodyIsDeletedInTime) {
  for (int i = 0; i < 30; ++i) Put(static_cast<char>('0' + i), "하나", "gone");
  now_ += options_.ttl_seconds * second_;
  Put('a', "둘", "na");
  EXPECT_EQ(Count("SELECT count(*) FROM cached_answers"), 1);
}

TEST_F(ResponseCacheTest, CleaningUpDeletesWhatIsTooOld) {
  Put('a', "하나");
  Put('b', "둘");
  now_ += options_.ttl_seconds * second_ - 1;
  EXPECT_EQ(Await(cache_->CleanUp("na")).value(), 0);
  now_ += 1;
  EXPECT_EQ(Await(cache_->CleanUp("na")).value(), 2);
  EXPECT_EQ(Count("SELECT count(*) FROM cached_answers"), 0);
}

TEST_F(ResponseCacheTest, CountsHitsMissesAndSaves) {
  const v1::GetCacheStatsResponse before = Stats();
  EXPECT_EQ(before.hit_rate(), "0.0%");
  EXPECT_EQ(before.max_size(), 100);
  EXPECT_EQ(before.ttl_seconds(), 3600);
  Get('a');
  Put('a', "하나");
  Get('a');
  Get('a');
  Start();  // which counts outlive
  const v1::GetCacheStatsResponse stats = Stats();
  EXPECT_EQ(stats.hits(), 2);
  EXPECT_EQ(stats.misses(), 1);
  EXPECT_EQ(stats.saves(), 1);
  EXPECT_EQ(stats.hit_rate(), "66.7%");
  EXPECT_EQ(stats.total_cached(), 1);
  EXPECT_EQ(Stats("neo").hits(), 0);
  const std::string page = metrics_.Text();
  EXPECT_THAT(page, HasSubstr("luna_cache_hits_total 2"));
  EXPECT_THAT(page, HasSubstr("luna_cache_misses_total 1"));
}

TEST_F(ResponseCacheTest, OutlivesTheServer) {
  Put('a', "하나");
  Start();
  EXPECT_EQ(Get('a'), "하나");
}

TEST_F(ResponseCacheTest, ADamagedAnswerIsAMissAndGone) {
  const char* const kDamage[] = {
      "UPDATE cached_answers SET answer = substr(answer, 1, length(answer) - 1)",
      "UPDATE cached_answers SET answer = cast(answer || x'00' AS BLOB)",
      "UPDATE cached_answers SET answer = zeroblob(0)",
      "UPDATE cached_answers SET checksum = x'00'",
      // Another's answer, whole, under this key.
      "UPDATE cached_answers SET (answer, checksum) = (SELECT answer, checksum FROM "
      "cached_answers WHERE key = zeroblob(32))",
  };
  for (const char* damage : kDamage) {
    Put('\0', "남의 답", "neo");
    Put('a', "하나");
    Connection(file_).database().exec(damage);
    EXPECT_EQ(Get('a'), "") << damage;
    Stats();  // which waits for what Get left to be done
    EXPECT_EQ(Count("SELECT count(*) FROM cached_answers WHERE key <> zeroblob(32)"), 0) << damage;
    Put('a', "둘");
    EXPECT_EQ(Get('a'), "둘") << damage;
  }
}

TEST_F(ResponseCacheTest, WhatDoesNotParseIsDamagedWhateverItsChecksum) {
  Put('a', "하나");
  // No message of protobuf's, and SHA-256 of the key and it.
  Connection(file_).database().exec(
      "UPDATE cached_answers SET answer = x'ffff', checksum = "
      "x'13222ae107e5f528636a33f5a9d351bf6b269ad5a909259da8078be790071316'");
  EXPECT_EQ(Get('a'), "");
  Stats();
  EXPECT_EQ(Count("SELECT count(*) FROM cached_answers"), 0);
}

TEST_F(ResponseCacheTest, WhatDoesNotHoldAnyMoreIsNotKept) {
  Put('a', "하나", "na", [](Connection&) { return false; });
  EXPECT_EQ(Get('a'), "");
  EXPECT_EQ(Stats().saves(), 0);
  Put('a', "하나", "na", [](Connection&) { return true; });
  EXPECT_EQ(Get('a'), "하나");
}

TEST_F(ResponseCacheTest, WhatIsClearedIsGoneFromTheFilesWithItsUsersName) {
  for (int i = 0; i < 30; ++i) Put(static_cast<char>('0' + i), "다른 답", "neo");
  Put('a', "secretanswer", "secretname");
  Get('a', "secretname");
  Stats("secretname");
  EXPECT_THAT(folder_.Bytes(), HasSubstr("secretanswer"));
  EXPECT_EQ(Await(cache_->Clear("secretname")).value(), 1);
  for (const char* word : {"secretanswer", "secretname"}) {
    EXPECT_THAT(folder_.Bytes(), Not(HasSubstr(word)));
  }
  EXPECT_EQ(Stats("secretname").hits(), 0);
  EXPECT_EQ(Stats("neo").total_cached(), 30);
}

TEST_F(ResponseCacheTest, NobodyWaitsForADatabaseThatIsBusy) {
  std::promise<void> begun;
  std::promise<void> go;
  auto hold = [&begun, wait = go.get_future().share()](Connection&) {
    begun.set_value();
    wait.wait();
  };
  database_->writer.Post(hold);
  begun.get_future().wait();
  EXPECT_TRUE(absl::IsDeadlineExceeded(Await(cache_->Put("na", Key('a'), Answer("하나")))));
  EXPECT_EQ(Get('a'), "");  // which writes nothing it waits for
  go.set_value();
  EXPECT_EQ(Stats().misses(), 1);
  EXPECT_EQ(Stats().saves(), 0);  // what nobody waited for any more was not begun
}

TEST_F(ResponseCacheTest, WhatIsFoundWhileTheWriterIsBusyIsCountedOnceItIsNot) {
  Put('a', "하나");
  std::promise<void> go;
  database_->writer.Post([wait = go.get_future().share()](Connection&) { wait.wait(); });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Get('a'), "하나");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get('b'), "");
  EXPECT_EQ(Get('a', "neo"), "");
  go.set_value();
  const v1::GetCacheStatsResponse stats = Stats();
  EXPECT_EQ(stats.hits(), 20);
  EXPECT_EQ(stats.misses(), 3);
  EXPECT_EQ(Stats("neo").misses(), 1);
  Get('a');
  EXPECT_EQ(Stats().hits(), 21);
}

TEST_F(ResponseCacheTest, ABrokenDatabaseIsAnError) {
  Connection(file_).database().exec("DROP TABLE cached_answers");
  EXPECT_EQ(ErrorOf(Await(cache_->Get("na", Key('a'))).status()).code(), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(ErrorOf(Await(cache_->Put("na", Key('a'), Answer("하나")))).code(),
            "STORAGE_UNAVAILABLE");
}

}  // namespace
}  // namespace luna
