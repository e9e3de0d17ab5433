#include "server/storage/worker.h"

#include <sqlite3.h>

#include <array>
#include <atomic>
#include <future>
#include <optional>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/error.h"
#include "server/base/guard.h"
#include "tests/support/temporary_folder.h"

namespace luna::storage {
namespace {

namespace asio = boost::asio;
using net::kForever;
using testing::ElementsAre;
using testing::HasSubstr;

class WorkerTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(Prepare(file_, false).ok()); }

  // Runs the loop until the work has ended.
  template <class Result>
  absl::StatusOr<Result> Await(asio::awaitable<absl::StatusOr<Result>> work) {
    std::optional<absl::StatusOr<Result>> result;
    Start(std::move(work), result);
    while (!result) context_.run_one();
    return *std::move(result);
  }

  template <class Result>
  void Start(asio::awaitable<absl::StatusOr<Result>> work,
             std::optional<absl::StatusOr<Result>>& result) {
    context_.restart();
    asio::co_spawn(
        context_, Guard(std::move(work)),
        [&](std::exception_ptr, absl::StatusOr<Result> value) { result = std::move(value); });
  }

  // Keeps it at work from now on until `go_` is set.
  void Hold(Worker& worker) {
    auto hold = [this](Connection&) {
      begun_.set_value();
      go_.get_future().wait();
      return 0;
    };
    Start(worker.Do(kForever, std::move(hold)), held_);
    context_.poll();
    begun_.get_future().wait();
  }

  static int AddUser(Connection& connection, const std::string& name) {
    Query add = connection.Prepare("INSERT INTO users (name) VALUES (?1)");
    add->bind(1, name);
    return add->exec();
  }

  static int Users(Connection& connection) {
    return connection.database().execAndGet("SELECT count(*) FROM users").getInt();
  }

  test::TemporaryFolder folder_;
  const std::string file_ = folder_ / "luna.db";
  asio::io_context context_;
  std::promise<void> begun_;
  std::promise<void> go_;
  std::optional<absl::StatusOr<int>> held_;
};

TEST_F(WorkerTest, AReaderSeesWhatAWriterHasDone) {
  Worker writer(file_, Worker::Kind::kWriter);
  Worker reader(file_, Worker::Kind::kReader);
  const auto added =
      Await(writer.Do(kForever, [](Connection& connection) { return AddUser(connection, "나"); }));
  EXPECT_EQ(added.value(), 1);
  EXPECT_EQ(Await(reader.Do(kForever, Users)).value(), 1);
}

TEST_F(WorkerTest, WhatIsPostedIsDoneInItsTurn) {
  Worker writer(file_, Worker::Kind::kWriter);
  writer.Post([](Connection& connection) { AddUser(connection, "twice"); });
  writer.Post([](Connection& connection) { AddUser(connection, "twice"); });  // which fails
  writer.Post([](Connection& connection) { AddUser(connection, "나"); });
  EXPECT_EQ(Await(writer.Do(kForever, Users)).value(), 2);
}

TEST_F(WorkerTest, WhatFailsIsRolledBackByItself) {
  Worker writer(file_, Worker::Kind::kWriter);
  std::promise<void> held;
  std::optional<absl::StatusOr<int>> first;
  std::optional<absl::StatusOr<int>> second;
  std::optional<absl::StatusOr<int>> third;
  Start(writer.Do(kForever,
                  [&, wait = held.get_future().share()](Connection&) {
                    wait.wait();
                    return 0;
                  }),
        first);
  context_.poll();
  Start(writer.Do(kForever,
                  [](Connection& connection) {
                    AddUser(connection, "twice");
                    return AddUser(connection, "twice");
                  }),
        second);
  context_.poll();
  Start(writer.Do(kForever, [](Connection& connection) { return AddUser(connection, "good"); }),
        third);
  context_.poll();
  held.set_value();  // the other two are one transaction
  while (!first || !second || !third) context_.run_one();
  EXPECT_THAT(std::string(second->status().message()), HasSubstr("UNIQUE constraint failed"));
  EXPECT_TRUE(third->ok());
  EXPECT_EQ(Await(writer.Do(kForever, Users)).value(), 1);
}

TEST_F(WorkerTest, TellsWhatWasDoneInItsOrderBeforeAnybodyGoesOn) {
  std::array<std::atomic<int>, 3> told{};
  std::atomic<int> times = 0;
  std::array<std::atomic<int>, 3> turn{};
  const auto then = [&](int i) {
    return [&, i](const int* users) {
      told[i] = users ? *users : -1;
      turn[i] = ++times;
    };
  };
  const auto add = [](const char* name) {
    return [name](Connection& connection) {
      AddUser(connection, name);
      return Users(connection);
    };
  };
  Worker writer(file_, Worker::Kind::kWriter);
  Hold(writer);
  std::array<std::optional<absl::StatusOr<int>>, 3> results;
  Start(writer.Do(kForever, add("one"), then(0)), results[0]);
  Start(writer.Do(kForever, add("one"), then(1)), results[1]);  // which fails
  Start(writer.DoEvenLate(kForever, add("two"), then(2)), results[2]);
  context_.poll();
  go_.set_value();
  while (!results[0]) context_.run_one();
  EXPECT_EQ(told[0], 1);
  while (!results[1] || !results[2]) context_.run_one();
  EXPECT_THAT(std::vector<int>(told.begin(), told.end()), ElementsAre(1, -1, 2));
  EXPECT_THAT(std::vector<int>(turn.begin(), turn.end()), ElementsAre(1, 2, 3));
}

TEST_F(WorkerTest, TellsThatACommitIsLostToAllThatShareIt) {
  std::atomic<int> lost = 0;
  const auto then = [&](const int* result) { lost += result == nullptr ? 1 : 0; };
  Worker writer(file_, Worker::Kind::kWriter);
  Hold(writer);
  std::array<std::optional<absl::StatusOr<int>>, 2> results;
  const auto add = [](Connection& connection) { return AddUser(connection, "나"); };
  const auto end_transaction = [](Connection& connection) {
    return connection.database().exec("ROLLBACK");
  };
  Start(writer.Do(kForever, add, then), results[0]);
  Start(writer.Do(kForever, end_transaction, then), results[1]);
  context_.poll();
  go_.set_value();
  while (!results[0] || !results[1]) context_.run_one();
  EXPECT_EQ(lost, 2);
  EXPECT_EQ(Await(writer.Do(kForever, Users)).value(), 0);
}

TEST_F(WorkerTest, AReaderSeesOneStateWhateverIsWrittenMeanwhile) {
  Worker writer(file_, Worker::Kind::kWriter);
  Worker reader(file_, Worker::Kind::kReader);
  const auto count_twice = [this](Connection& connection) {
    const int before = Users(connection);
    begun_.set_value();
    go_.get_future().wait();
    return Users(connection) - before;
  };
  Start(reader.Do(kForever, count_twice), held_);
  context_.poll();
  begun_.get_future().wait();
  EXPECT_EQ(
      Await(writer.Do(kForever, [](Connection& connection) { return AddUser(connection, "나"); }))
          .value(),
      1);
  go_.set_value();
  while (!held_) context_.run_one();
  EXPECT_EQ(held_->value(), 0);
  EXPECT_EQ(Await(reader.Do(kForever, Users)).value(), 1);
}

TEST_F(WorkerTest, WhatThrowsIsAnError) {
  Worker reader(file_, Worker::Kind::kReader);
  const auto failed =
      Await(reader.Do(kForever, [](Connection&) -> int { throw std::runtime_error("a bug"); }));
  EXPECT_EQ(std::string(failed.status().message()), "a bug");
}

TEST_F(WorkerTest, NobodyWaitsLongerThanHeWantsAndWhatHasNotBegunIsNotDone) {
  Worker writer(file_, Worker::Kind::kWriter);
  Hold(writer);
  const auto late = Await(writer.Do(
      net::Clock::now(), [](Connection& connection) { return AddUser(connection, "late"); }));
  EXPECT_TRUE(absl::IsDeadlineExceeded(late.status()));
  go_.set_value();
  EXPECT_EQ(Await(writer.Do(kForever, Users)).value(), 0);
}

TEST_F(WorkerTest, WhatMayComeLateIsDoneThoughNobodyWaits) {
  Worker writer(file_, Worker::Kind::kWriter);
  Hold(writer);
  const int so_many = 1001;
  for (int i = 0; i < so_many; ++i) {
    const auto late = Await(writer.DoEvenLate(net::Clock::now(), [i](Connection& connection) {
      return AddUser(connection, std::to_string(i));
    }));
    EXPECT_TRUE(absl::IsDeadlineExceeded(late.status()));
  }
  go_.set_value();
  EXPECT_EQ(Await(writer.Do(kForever, Users)).value(), so_many - 1);  // one was too much
}

TEST_F(WorkerTest, WhatNobodyWaitsForIsLetGoWhileTheDiskHangs) {
  Worker writer(file_, Worker::Kind::kWriter);
  Hold(writer);
  const auto kept = std::make_shared<int>();
  for (int i = 0; i < 5000; ++i) {
    const auto late =
        Await(writer.DoEvenLate(net::Clock::now(), [kept](Connection&) { return 0; }));
    EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
  }
  EXPECT_LE(kept.use_count(), 2001);
  go_.set_value();
}

TEST_F(WorkerTest, CancellationEndsTheWaitingAndWhatIsRead) {
  Worker reader(file_, Worker::Kind::kReader);
  std::promise<void> begun;
  std::optional<absl::StatusOr<int>> result;
  asio::cancellation_signal cancel;
  auto endless = [&begun](Connection& connection) {
    begun.set_value();
    return connection.database()
        .execAndGet(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
            "SELECT count(*) FROM n")
        .getInt();
  };
  asio::co_spawn(context_, Guard(reader.Do(kForever, endless)),
                 asio::bind_cancellation_slot(cancel.slot(),
                                              [&](std::exception_ptr, absl::StatusOr<int> value) {
                                                result = std::move(value);
                                              }));
  context_.poll();
  begun.get_future().wait();
  cancel.emit(asio::cancellation_type::terminal);
  while (!result) context_.run_one();
  EXPECT_TRUE(absl::IsCancelled(result->status()));
  EXPECT_EQ(Await(reader.Do(kForever, Users)).value(), 0);  // its turn comes
}

TEST_F(WorkerTest, TellsOfDamage) {
  bool damaged = false;
  {
    Worker reader(file_, Worker::Kind::kReader, [&] { damaged = true; });
    const auto failed = Await(reader.Do(kForever, [](Connection&) -> int {
      throw SQLite::Exception("malformed", SQLITE_CORRUPT);
    }));
    EXPECT_EQ(ErrorOf(failed.status()).code(), "STORAGE_UNAVAILABLE");
  }
  EXPECT_TRUE(damaged);
}

TEST_F(WorkerTest, SettlingWaitsUntilTheIdleHasNoMore) {
  int steps = 0;
  Worker writer(file_, Worker::Kind::kWriter, nullptr,
                [&](Connection&) -> std::optional<std::chrono::milliseconds> {
                  if (++steps % 3 == 0) return std::nullopt;
                  return std::chrono::milliseconds(1);
                });
  const auto done = Await(writer.DoAndSettle(kForever, [&](Connection&) { return steps; }));
  ASSERT_TRUE(done.ok());
  EXPECT_GE(steps, *done + 1);
  EXPECT_EQ(steps % 3, 0);
}

// A purge for each of the steps in which much is deleted would take a while.
TEST_F(WorkerTest, TheIdleIsOnceForManyWorks) {
  int times = 0;
  Worker writer(file_, Worker::Kind::kWriter, nullptr,
                [&](Connection&) -> std::optional<std::chrono::milliseconds> {
                  ++times;
                  return std::nullopt;
                });
  const auto count = [&](Connection&) { return times; };
  const int before = Await(writer.DoAndSettle(kForever, count)).value();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Await(writer.Do(kForever, count)).ok());
  EXPECT_EQ(Await(writer.DoAndSettle(kForever, count)).value(), before + 1);
}

TEST_F(WorkerTest, SettlingTellsThatTheIdleFailed) {
  Worker writer(file_, Worker::Kind::kWriter, nullptr,
                [](Connection& connection) -> std::optional<std::chrono::milliseconds> {
                  connection.database().exec("no SQL");
                  return std::nullopt;
                });
  const auto failed = Await(writer.DoAndSettle(kForever, [](Connection&) { return 1; }));
  EXPECT_THAT(std::string(failed.status().message()), HasSubstr("syntax error"));
}

TEST_F(WorkerTest, WhatWasAskedForIsDoneBeforeItEnds) {
  std::array<std::optional<absl::StatusOr<int>>, 10> results;
  {
    Worker writer(file_, Worker::Kind::kWriter);
    for (int i = 0; i < 10; ++i) {
      Start(
          writer.Do(kForever,
                    [i](Connection& connection) { return AddUser(connection, std::to_string(i)); }),
          results[i]);
      context_.poll();
    }
  }
  context_.poll();
  for (const auto& result : results) EXPECT_TRUE(result.has_value());
  Connection connection(file_);
  EXPECT_EQ(Users(connection), 10);
}

}  // namespace
}  // namespace luna::storage
