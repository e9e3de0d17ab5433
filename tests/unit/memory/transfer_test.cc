#include "server/memory/transfer.h"

#include <SQLiteCpp/Transaction.h>

#include <utility>

#include <gmock/gmock.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include "server/memory/deletion.h"
#include "server/memory/search.h"
#include "server/memory/summaries.h"
#include "server/memory/turns.h"
#include "tests/support/ready_database.h"

namespace luna::memory {
namespace {

using google::protobuf::util::TimeUtil;
using testing::ElementsAre;
using testing::IsEmpty;
using Lines = std::vector<v1::ExportResponse>;

class TransferTest : public testing::Test {
 protected:
  static v1::ExportResponse Turn(int seconds, const std::string& said,
                                 const std::string& answer = "a",
                                 const std::string& session = "s1") {
    v1::ExportResponse line;
    v1::Conversation& turn = *line.mutable_conversation();
    turn.set_session_id(session);
    *turn.mutable_timestamp() = TimeUtil::SecondsToTimestamp(seconds);
    turn.set_user_message(said);
    turn.set_assistant_message(answer);
    turn.set_emotion("joy");
    turn.set_model("m1");
    turn.set_mode("server");
    turn.set_processing_time(249 / 1e6);  // times 1e6 it is less than that
    turn.set_cached(true);
    turn.set_finish_reason("STOP");
    turn.set_translation("t");
    return line;
  }

  static v1::ExportResponse Summary(int seconds, const std::string& content, int turns = 1) {
    v1::ExportResponse line;
    v1::Summary& summary = *line.mutable_summary();
    summary.set_session_id("s1");
    *summary.mutable_timestamp() = TimeUtil::SecondsToTimestamp(seconds);
    summary.set_content(content);
    summary.set_summarized_turns(turns);
    return line;
  }

  // What was imported and what was skipped.
  std::pair<int, int> Add(const Lines& lines, const std::string& user = "na") {
    SQLite::Transaction transaction(connection_.database());
    const auto response = Import(connection_, user, lines, options_);
    transaction.commit();
    return {response.imported(), response.skipped()};
  }

  Lines Export(const std::string& user = "na") {
    Lines all;
    Bookmark place;
    while (true) {
      Lines page = ReadOn(connection_, user, place);
      if (page.empty()) return all;
      ++pages_;
      all.insert(all.end(), page.begin(), page.end());
    }
  }

  // Without what the database gives: numbers, the user, when it was stored.
  Lines Plain(Lines lines) {
    for (v1::ExportResponse& line : lines) {
      if (line.has_summary()) {
        line.mutable_summary()->clear_id();
        line.mutable_summary()->clear_created_at();
      } else {
        line.mutable_conversation()->clear_id();
        line.mutable_conversation()->clear_created_at();
        line.mutable_conversation()->clear_user_id();
      }
    }
    return lines;
  }

  static std::vector<std::string> Said(const Lines& lines) {
    std::vector<std::string> said;
    for (const auto& line : lines) {
      said.push_back(line.has_summary() ? line.summary().content()
                                        : line.conversation().user_message());
    }
    return said;
  }

  static std::vector<std::string> Texts(const Lines& lines) {
    std::vector<std::string> texts;
    for (const auto& line : lines) texts.push_back(line.DebugString());
    return texts;
  }

  test::TemporaryFolder folder_;
  storage::Connection connection_{test::ReadyDatabase(folder_)};
  config::Memory options_;
  int pages_ = 0;
};

TEST_F(TransferTest, WhatWasExportedIsTheSameForAnotherUser) {
  const Lines lines = {Turn(1000, "1"), Turn(1001, "2", "b", "s2"), Turn(1002, "3"),
                       Summary(1000, "하나"), Summary(1002, "둘", 2)};
  EXPECT_EQ(Add(lines), std::pair(5, 0));
  EXPECT_EQ(Add(Export(), "neo"), std::pair(5, 0));
  EXPECT_EQ(Texts(Plain(Export())), Texts(lines));
  EXPECT_EQ(Texts(Plain(Export("neo"))), Texts(lines));
}

TEST_F(TransferTest, TheSameFileTwiceDoublesNothing) {
  const Lines lines = {Turn(1000, "1"), Turn(1001, "2"), Summary(1000, "하나")};
  Add(lines);
  EXPECT_EQ(Add(lines), std::pair(0, 3));
  EXPECT_EQ(Add({Turn(1000, "1"), Turn(1000, "1", "else"), Turn(1000, "else"), Turn(1001, "1"),
                 Turn(1000, "1", "a", "s2"), Summary(1000, "둘"), Summary(1001, "하나")}),
            std::pair(6, 1));
  EXPECT_EQ(Export().size(), 9u);
}

TEST_F(TransferTest, AnImportedTurnKeepsItsTimeAmongTheOthers) {
  v1::Conversation now = Turn(2000, "now").conversation();
  now.set_user_id("na");
  Insert(connection_, now, options_);
  Add({Turn(1001, "2"), Turn(1000, "1"), Turn(2001, "later")});
  EXPECT_THAT(Said(Export()), ElementsAre("1", "2", "now", "later"));
  std::vector<std::string> told;
  for (const Told& turn : ReadContext(connection_, "na", "s1", options_).turns) {
    told.push_back(turn.input);
  }
  EXPECT_THAT(told, ElementsAre("1", "2", "now", "later"));
}

TEST_F(TransferTest, AnImportedTurnIsFoundBySearch) {
  Add({Turn(1000, "오늘 날씨가 좋네")});
  v1::SearchConversationsRequest request;
  request.set_user_id("na");
  request.set_keyword("날씨");
  request.set_limit(10);
  EXPECT_EQ(Search(connection_, request).total(), 1);
}

TEST_F(TransferTest, IsOneUsers) {
  v1::ExportResponse line = Turn(1000, "mine");
  line.mutable_conversation()->set_user_id("neo");
  Add({line, Summary(1000, "my summary")});
  EXPECT_THAT(Export("neo"), IsEmpty());
  EXPECT_THAT(Export(""), IsEmpty());
  EXPECT_EQ(Export("na").at(0).conversation().user_id(), "na");
}

TEST_F(TransferTest, ASummaryRefersToTheImportedTurns) {
  Add({Turn(1, "of another, so that numbers differ")}, "neo");
  // A part of a file may have them in any order.
  Add({Summary(1001, "of both", 2), Turn(1000, "1"), Turn(1001, "2"), Turn(1002, "3")});
  const Unsummarized rest = ReadUnsummarized(connection_, "na", "s1", 0, 1000);
  EXPECT_EQ(rest.summary, "of both");
  EXPECT_EQ(rest.summary_through, Export().at(1).conversation().id());
  ASSERT_EQ(rest.turns.size(), 1u);
  EXPECT_EQ(rest.turns[0].user_message(), "3");
  EXPECT_TRUE(InsertSummary(connection_, "na", "s1", rest, "of all"));
  EXPECT_EQ(ReadContext(connection_, "na", "s1", options_).summary, "of all");
}

TEST_F(TransferTest, AnOlderSummaryThatIsImportedIsNotTheNewest) {
  Add({Turn(1000, "1"), Turn(1001, "2"), Summary(1001, "newer", 2)});
  Add({Summary(1000, "older")});
  EXPECT_EQ(ReadContext(connection_, "na", "s1", options_).summary, "newer");
  EXPECT_EQ(ReadUnsummarized(connection_, "na", "s1", 0, 1000).summary, "newer");
  v1::ListSummariesRequest request;
  request.set_user_id("na");
  request.set_limit(1);
  EXPECT_EQ(ListSummaries(connection_, request).summaries(0).content(), "newer");
  Add({Turn(1002, "3")});
  const Unsummarized rest = ReadUnsummarized(connection_, "na", "s1", 0, 1000);
  EXPECT_TRUE(InsertSummary(connection_, "na", "s1", rest, "newest"));
}

TEST_F(TransferTest, ASummaryOfWhatIsDeletedMeanwhileIsNotKept) {
  Add({Turn(1000, "1"), Turn(1001, "2"), Turn(1002, "3")});
  const Unsummarized turns = ReadUnsummarized(connection_, "na", "s1", 0, 1000);
  ASSERT_EQ(turns.turns.size(), 3u);
  ASSERT_TRUE(Delete(connection_, "na", turns.turns[1].id()));
  Add({Turn(1001, "another in its place")});
  EXPECT_FALSE(InsertSummary(connection_, "na", "s1", turns, "of what is deleted"));
}

TEST_F(TransferTest, AListOfSummariesEndsWhereItWouldBeTooLarge) {
  Lines lines;
  for (int i = 0; i < 600; ++i) lines.push_back(Summary(1000 + i, std::string(8 << 10, 'x')));
  Add(lines);
  v1::ListSummariesRequest request;
  request.set_user_id("na");
  request.set_limit(1000);
  const v1::ListSummariesResponse page = ListSummaries(connection_, request);
  EXPECT_LT(page.ByteSizeLong(), 3u << 20);
  request.set_offset(page.count());
  EXPECT_GT(ListSummaries(connection_, request).count(), 0);
}

TEST_F(TransferTest, ASummaryOfForgottenTurnsIsKept) {
  Add({Summary(1000, "of what is gone"), Turn(1001, "1")});
  EXPECT_THAT(Said(Export()), ElementsAre("1", "of what is gone"));
  EXPECT_EQ(ReadUnsummarized(connection_, "na", "s1", 0, 1000).count, 1);
}

TEST_F(TransferTest, MaxEntriesHoldsForWhatIsImported) {
  options_.max_entries = 2;
  Add({Turn(1002, "3"), Turn(1000, "1"), Turn(1001, "2")});
  EXPECT_THAT(Said(Export()), ElementsAre("2", "3"));
}

TEST_F(TransferTest, MaxEntriesHoldsHoweverManyAreImported) {
  options_.max_entries = 2;
  Lines lines;
  for (int i = 0; i < 200; ++i) lines.push_back(Turn(1000 + i, std::to_string(i)));
  Add(lines);
  EXPECT_THAT(Said(Export()), ElementsAre("198", "199"));
}

TEST_F(TransferTest, ASummaryGoesWithEachTurnThatEndedAtItsTime) {
  Add({Turn(1000, "1"), Summary(1000, "of both", 2)});
  Add({Turn(1000, "2")});
  ASSERT_TRUE(Delete(connection_, "na", Export().at(1).conversation().id()));
  EXPECT_THAT(Said(Export()), ElementsAre("1"));
}

// An import holds up all that others write.
TEST_F(TransferTest, WhatEndedAtOnceIsNotReadAgainForEachLine) {
  int thousands = 0;  // of steps of SQLite's
  connection_.StopWhen([&] {
    ++thousands;
    return false;
  });
  const auto import = [&](int from, int to) {
    Lines lines;
    for (int i = from; i < to; ++i) {
      lines.push_back(Turn(1000, std::to_string(i)));
      lines.push_back(Summary(1000, "s" + std::to_string(i)));
    }
    thousands = 0;
    Add(lines);
    return thousands;
  };
  const int few = import(0, 500);
  EXPECT_LT(import(500, 2500), 10 * few);
  EXPECT_LT(import(0, 2500), 10 * few);
}

TEST_F(TransferTest, ALargeMemoryIsReadInPages) {
  Lines lines;
  for (int i = 0; i < 450; ++i) lines.push_back(Turn(1000 + (i + 1) / 2, std::to_string(i)));
  for (int i = 0; i < 250; ++i) lines.push_back(Summary(1000, "s" + std::to_string(i)));
  Add(lines);
  EXPECT_EQ(Texts(Plain(Export())), Texts(lines));
  EXPECT_EQ(pages_, 5);
}

TEST_F(TransferTest, LongTurnsMakeShortPages) {
  Lines lines;
  for (int i = 0; i < 8; ++i) lines.push_back(Turn(1000 + i, "1", std::string(1 << 20, 'x')));
  Add(lines);
  EXPECT_EQ(Export().size(), 8u);
  EXPECT_EQ(pages_, 8);
}

}  // namespace
}  // namespace luna::memory
