#include "server/memory/conversation_memory.h"

#include <future>
#include <memory>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include "server/memory/deletion.h"
#include "server/memory/summaries.h"
#include "tests/support/ready_database.h"

namespace luna {
namespace {

namespace asio = boost::asio;
using google::protobuf::util::TimeUtil;
using storage::Connection;
using testing::ElementsAre;
using testing::IsEmpty;

class ConversationMemoryTest : public testing::Test {
 protected:
  template <class Result>
  Result Await(asio::awaitable<Result> work) {
    context_.restart();
    std::future<Result> result = asio::co_spawn(context_, std::move(work), asio::use_future);
    context_.run();
    return result.get();
  }

  static v1::Conversation Turn(const std::string& said, const std::string& user,
                               const std::string& session) {
    v1::Conversation turn;
    turn.set_user_id(user);
    turn.set_session_id(session);
    *turn.mutable_timestamp() = TimeUtil::SecondsToTimestamp(1000);
    turn.set_user_message(said);
    turn.set_assistant_message("a");
    return turn;
  }

  absl::Status Say(const std::string& said, const std::string& user = "na",
                   const std::string& session = "s1",
                   std::function<bool(Connection&)> holds = nullptr) {
    return Await(memory_->Remember(Turn(said, user, session), std::move(holds)));
  }

  memory::Recollection Recall(std::optional<std::string> repeated = std::nullopt) {
    return Await(memory_->Recall("na", "s1", std::move(repeated))).value();
  }

  static std::vector<std::string> Inputs(const memory::Context& context) {
    std::vector<std::string> inputs;
    for (const memory::Told& turn : context.turns) inputs.push_back(turn.input);
    return inputs;
  }

  // What a model is told of session s1 of "na".
  std::vector<std::string> Told() { return Inputs(Recall().context); }

  template <class Work>
  auto Change(Work work) {
    return Await(memory_->Change(std::move(work))).value();
  }

  void SetUp() override { Start(); }
  void TearDown() override { Stop(); }

  void Start() {
    database_ = std::make_unique<storage::Database>(test::ReadyDatabase(folder_), nullptr);
    memory_ = std::make_unique<ConversationMemory>(options_, *database_);
  }

  void Stop() {
    database_.reset();
    memory_.reset();
  }

  void Restart() {
    Stop();
    Start();
  }

  // Does both in one transaction, in this order, whether they succeed or not.
  template <class One, class Two>
  void Together(asio::awaitable<One> one, asio::awaitable<Two> two) {
    std::promise<void> go;
    database_->writer.Post([held = go.get_future().share()](Connection&) { held.wait(); });
    context_.restart();
    asio::co_spawn(context_, std::move(one), asio::detached);
    asio::co_spawn(context_, std::move(two), asio::detached);
    context_.poll();
    go.set_value();
    context_.run();
  }

  test::TemporaryFolder folder_;
  asio::io_context context_;
  config::Memory options_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<ConversationMemory> memory_;
};

TEST_F(ConversationMemoryTest, TheNextTurnIsToldOfTheLastWithoutAReader) {
  std::promise<void> go;
  database_->answers.Post([held = go.get_future().share()](Connection&) { held.wait(); });
  ASSERT_TRUE(Say("하나").ok());
  ASSERT_TRUE(Say("둘").ok());
  EXPECT_THAT(Told(), ElementsAre("하나", "둘"));
  go.set_value();
}

TEST_F(ConversationMemoryTest, WhatWasSaidBeforeTheStartIsRead) {
  ASSERT_TRUE(Say("하나").ok());
  Restart();
  EXPECT_THAT(Told(), ElementsAre("하나"));
  ASSERT_TRUE(Say("둘").ok());
  EXPECT_THAT(Told(), ElementsAre("하나", "둘"));
}

TEST_F(ConversationMemoryTest, NobodyIsToldOfAnother) {
  ASSERT_TRUE(Say("neo's", "neo", "s1").ok());
  ASSERT_TRUE(Say("another session's", "na", "s2").ok());
  ASSERT_TRUE(Say("of both together", "nas", "1").ok());
  EXPECT_THAT(Told(), IsEmpty());
  // NUL is a character like any other.
  const std::string zero(1, '\0');
  ASSERT_TRUE(Say("of a name with NUL", "na" + zero + "s", "1").ok());
  const auto recalled = Await(memory_->Recall("na", "s" + zero + "1", std::nullopt));
  EXPECT_THAT(Inputs(recalled.value().context), IsEmpty());
  ASSERT_TRUE(Say("mine").ok());
  EXPECT_THAT(Told(), ElementsAre("mine"));
}

TEST_F(ConversationMemoryTest, WhatIsDeletedIsNotTold) {
  ASSERT_TRUE(Say("하나").ok());
  ASSERT_TRUE(Say("둘").ok());
  ASSERT_THAT(Told(), ElementsAre("하나", "둘"));
  ASSERT_TRUE(Change([](Connection& connection) { return memory::Delete(connection, "na", 1); }));
  EXPECT_THAT(Told(), ElementsAre("둘"));
  ASSERT_TRUE(Say("셋").ok());
  EXPECT_THAT(Told(), ElementsAre("둘", "셋"));
  Change([](Connection& connection) { return memory::DeleteSome(connection, "na", "", 10); });
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(ConversationMemoryTest, WhatIsDeletedInATurnsTransactionIsNotTold) {
  ASSERT_TRUE(Say("하나").ok());
  const auto forget = [](Connection& connection) {
    return memory::DeleteSome(connection, "na", "s1", 10);
  };
  Together(memory_->Remember(Turn("둘", "na", "s1")), memory_->Change(forget));
  EXPECT_THAT(Told(), IsEmpty());
  Together(memory_->Change(forget), memory_->Remember(Turn("셋", "na", "s1")));
  EXPECT_THAT(Told(), ElementsAre("셋"));
}

TEST_F(ConversationMemoryTest, ATurnWhoseCommitIsLostIsNotTold) {
  ASSERT_TRUE(Say("하나").ok());
  const auto end_transaction = [](Connection& connection) {
    return connection.database().exec("ROLLBACK");
  };
  Together(memory_->Remember(Turn("둘", "na", "s1")),
           database_->writer.Do(net::kForever, end_transaction));
  EXPECT_THAT(Told(), ElementsAre("하나"));
}

TEST_F(ConversationMemoryTest, WhatIsImportedIsTold) {
  ASSERT_TRUE(Say("now").ok());
  v1::ExportResponse line;
  *line.mutable_conversation() = Turn("imported", "", "s1");
  *line.mutable_conversation()->mutable_timestamp() = TimeUtil::SecondsToTimestamp(1);
  ASSERT_TRUE(Await(memory_->Import("na", {line})).ok());
  EXPECT_THAT(Told(), ElementsAre("imported", "now"));
}

TEST_F(ConversationMemoryTest, ANewSummaryIsTold) {
  ASSERT_TRUE(Say("하나").ok());
  EXPECT_EQ(Recall().context.summary, "");
  ASSERT_TRUE(Change([](Connection& connection) {
    const memory::Unsummarized turns = memory::ReadUnsummarized(connection, "na", "s1", 0, 1000);
    return memory::InsertSummary(connection, "na", "s1", turns, "요약");
  }));
  EXPECT_EQ(Recall().context.summary, "요약");
  ASSERT_TRUE(Say("둘").ok());
  EXPECT_EQ(Recall().context.summary, "요약");
}

TEST_F(ConversationMemoryTest, WhatAFullMemoryForgetsIsNotTold) {
  options_.max_entries = 2;
  Restart();
  ASSERT_TRUE(Say("하나").ok());
  ASSERT_TRUE(Say("둘").ok());
  ASSERT_TRUE(Say("셋", "na", "s2").ok());
  EXPECT_THAT(Told(), ElementsAre("둘"));
}

TEST_F(ConversationMemoryTest, WhatIsNotKeptIsNotTold) {
  ASSERT_TRUE(Say("하나").ok());
  EXPECT_TRUE(
      absl::IsAborted(Say("deleted meanwhile", "na", "s1", [](Connection&) { return false; })));
  EXPECT_THAT(Told(), ElementsAre("하나"));
  const auto fails = [](Connection&) -> bool { throw SQLite::Exception("disk full"); };
  EXPECT_EQ(Say("failed", "na", "s1", fails).code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Told(), ElementsAre("하나"));
}

TEST_F(ConversationMemoryTest, KnowsWhatWasBeforeARepeatedQuestion) {
  ASSERT_TRUE(Say("하나").ok());
  ASSERT_TRUE(Say("질문").ok());
  EXPECT_FALSE(Recall("다른 질문").before_repeats);
  const memory::Recollection again = Recall("  질문");
  EXPECT_THAT(Inputs(again.context), ElementsAre("하나", "질문"));
  ASSERT_TRUE(again.before_repeats);
  EXPECT_THAT(Inputs(*again.before_repeats), ElementsAre("하나"));
}

TEST_F(ConversationMemoryTest, KnowsThatAQuestionRepeatsWhereNoTurnIsTold) {
  options_.max_context_turns = 0;
  Restart();
  ASSERT_TRUE(Say("질문").ok());
  EXPECT_TRUE(Recall("질문").before_repeats);
  EXPECT_FALSE(Recall("다른 질문").before_repeats);
}

}  // namespace
}  // namespace luna
