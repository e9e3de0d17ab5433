#include "server/memory/turns.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include "server/memory/deletion.h"
#include "server/memory/search.h"
#include "server/memory/tokens.h"
#include "server/storage/purge.h"
#include "server/storage/rows.h"
#include "tests/support/ready_database.h"

namespace luna::memory {
namespace {

using google::protobuf::util::TimeUtil;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

class TurnsTest : public testing::Test {
 protected:
  v1::Conversation Turn(const std::string& said, const std::string& answer,
                        const std::string& user = "na", const std::string& session = "s1") {
    v1::Conversation turn;
    turn.set_user_id(user);
    turn.set_session_id(session);
    *turn.mutable_timestamp() = TimeUtil::SecondsToTimestamp(++seconds_);
    turn.set_user_message(said);
    turn.set_assistant_message(answer);
    turn.set_emotion("joy");
    turn.set_model("m1");
    turn.set_mode("server");
    turn.set_processing_time(0.25);
    turn.set_finish_reason("STOP");
    turn.set_translation("said in English");
    return turn;
  }

  int Say(const std::string& said, const std::string& answer, const std::string& user = "na",
          const std::string& session = "s1") {
    return Insert(connection_, Turn(said, answer, user, session), options_);
  }

  std::vector<std::string> Said(const std::string& user = "na", const std::string& session = "s1") {
    std::vector<std::string> said;
    const Context context = ReadContext(connection_, user, session, options_);
    for (const Told& turn : context.turns) said.push_back(turn.input);
    return said;
  }

  std::vector<std::string> List(const std::string& user = "na", const std::string& session = "s1",
                                int limit = 50, int offset = 0) {
    v1::ListConversationsRequest request;
    request.set_user_id(user);
    request.set_session_id(session);
    request.set_limit(limit);
    request.set_offset(offset);
    std::vector<std::string> said;
    const auto response = ListConversations(connection_, request);
    for (const auto& turn : response.conversations()) {
      said.push_back(turn.user_message());
    }
    return said;
  }

  v1::SearchConversationsRequest Keyword(const std::string& keyword) {
    v1::SearchConversationsRequest request;
    request.set_user_id("na");
    request.set_keyword(keyword);
    request.set_limit(50);
    return request;
  }

  std::vector<std::string> Found(const v1::SearchConversationsRequest& request) {
    std::vector<std::string> said;
    const auto response = Search(connection_, request);
    for (const auto& turn : response.results()) said.push_back(turn.user_message());
    EXPECT_EQ(response.total(), response.count());
    return said;
  }
  std::vector<std::string> Found(const std::string& keyword) { return Found(Keyword(keyword)); }

  // The snippet with its matches in brackets.
  std::string Snippet(const std::string& keyword) {
    std::string text;
    const auto response = Search(connection_, Keyword(keyword));
    for (const auto& part : response.results(0).snippet()) {
      text += part.match() ? "[" + part.text() + "]" : part.text();
    }
    return text;
  }

  void Summarize(const std::string& content, int through_id, const std::string& user = "na",
                 const std::string& session = "s1") {
    storage::Query add = connection_.Prepare(
        "INSERT INTO summaries (user, session, created_at, content, turns, through_ended_at, "
        "through_id) SELECT u.id, ?2, 0, ?3, 1, t.ended_at, t.id FROM users u, turns t "
        "WHERE u.name = ?1 AND t.id = ?4");
    add->bind(1, user);
    add->bind(2, session);
    add->bind(3, content);
    add->bind(4, through_id);
    ASSERT_EQ(add->exec(), 1);
  }

  // The same, made now.
  void SummarizeNow(const std::string& content, int through_id) {
    Summarize(content, through_id);
    storage::Query touch =
        connection_.Prepare("UPDATE summaries SET created_at = ?1 WHERE content = ?2");
    touch->bind(1, storage::NowMicroseconds());
    touch->bind(2, content);
    ASSERT_EQ(touch->exec(), 1);
  }

  static std::string Texts(const Context& context) {
    std::string texts = context.summary;
    for (const Told& turn : context.turns) texts += "|" + turn.input + ">" + turn.answer;
    return texts;
  }

  // Whether there was anything to purge.
  bool Purged() {
    storage::Query asked = connection_.Prepare("SELECT count(*) FROM purges");
    asked->executeStep();
    const bool wanted = asked->getColumn(0).getInt() > 0;
    asked.reset();
    while (storage::Purge(connection_)) {
    }
    return wanted;
  }

  test::TemporaryFolder folder_;
  storage::Connection connection_{test::ReadyDatabase(folder_)};
  config::Memory options_;
  int seconds_ = 1000;
};

TEST_F(TurnsTest, KeepsAllOfATurn) {
  v1::Conversation turn = Turn("안녕?", "안녕하세요!");
  turn.set_cached(true);
  const int id = Insert(connection_, turn, options_);
  std::optional<v1::Conversation> kept = Find(connection_, "na", id);
  ASSERT_TRUE(kept);
  EXPECT_TRUE(kept->has_created_at());
  kept->clear_created_at();
  turn.set_id(id);
  EXPECT_EQ(kept->DebugString(), turn.DebugString());
}

TEST_F(TurnsTest, NoTurnHasTheNumberOfADeletedOne) {
  const int id = Say("a", "b");
  ASSERT_TRUE(Delete(connection_, "na", id));
  EXPECT_GT(Say("c", "d"), id);
}

TEST_F(TurnsTest, TheContextIsTheMostRecentOldestFirst) {
  options_.max_context_turns = 2;
  Say("1", "a");
  Say("2", "b");
  Say("3", "c");
  EXPECT_THAT(Said(), ElementsAre("2", "3"));
}

TEST_F(TurnsTest, TurnsAreInTheOrderInWhichTheyEndedWhateverTheClockSays) {
  v1::Conversation early = Turn("1", "a");
  v1::Conversation late = Turn("2", "b");
  Insert(connection_, late, options_);
  Insert(connection_, early, options_);  // the clock was set back
  EXPECT_THAT(Said(), ElementsAre("2", "1"));
  EXPECT_THAT(List(), ElementsAre("1", "2"));
}

TEST_F(TurnsTest, TheContextFitsItsTokensButHasOneTurnAtLeast) {
  const std::string long_text(3000, 'x');  // 780 tokens
  Say("1", long_text);
  Say("2", long_text);
  options_.max_context_tokens = 1700;
  EXPECT_THAT(Said(), ElementsAre("1", "2"));
  options_.max_context_tokens = 1500;
  EXPECT_THAT(Said(), ElementsAre("2"));
  options_.max_context_tokens = 10;
  EXPECT_THAT(Said(), ElementsAre("2"));
}

TEST_F(TurnsTest, TheContextIsOfOneUserAndOneSession) {
  Say("mine", "a");
  Say("other session", "a", "na", "s2");
  Say("other user", "a", "neo", "s1");
  EXPECT_THAT(Said(), ElementsAre("mine"));
  EXPECT_THAT(Said("neo", "s1"), ElementsAre("other user"));
  EXPECT_THAT(Said("nobody", "s1"), IsEmpty());
  EXPECT_THAT(Said("NA", "s1"), IsEmpty());
}

TEST_F(TurnsTest, TheContextHasTheNewestSummary) {
  const int id = Say("1", "a");
  Summarize("old", id);
  Summarize("new", id);
  EXPECT_EQ(ReadContext(connection_, "na", "s1", options_).summary, "new");
  EXPECT_EQ(ReadContext(connection_, "na", "s2", options_).summary, "");
  EXPECT_EQ(ReadContext(connection_, "neo", "s1", options_).summary, "");
}

TEST_F(TurnsTest, MaxEntriesBoundsWhatIsKeptOfAUser) {
  options_.max_entries = 2;
  Say("1", "a", "na", "s1");
  Say("2", "b", "na", "s2");
  Say("neo's", "x", "neo");
  Say("3", "c", "na", "s1");
  EXPECT_THAT(List("na", "s1"), ElementsAre("3"));
  EXPECT_THAT(List("na", "s2"), ElementsAre("2"));
  EXPECT_THAT(List("neo"), ElementsAre("neo's"));
  EXPECT_THAT(Found("1"), IsEmpty());
}

TEST_F(TurnsTest, ListsTheNewestFirstInPages) {
  for (const char* said : {"1", "2", "3", "4"}) Say(said, "a");
  EXPECT_THAT(List("na", "s1", 2, 0), ElementsAre("4", "3"));
  EXPECT_THAT(List("na", "s1", 2, 2), ElementsAre("2", "1"));
  EXPECT_THAT(List("na", "s1", 2, 4), IsEmpty());
}

TEST_F(TurnsTest, RecentAreThoseOfAllSessions) {
  Say("1", "a", "na", "s1");
  Say("2", "b", "na", "s2");
  Say("3", "c", "neo", "s1");
  v1::ListRecentRequest request;
  request.set_user_id("na");
  request.set_count(10);
  const auto recent = ListRecent(connection_, request);
  ASSERT_EQ(recent.recent_conversations_size(), 2);
  EXPECT_EQ(recent.recent_conversations(0).user(), "2");
  EXPECT_EQ(recent.recent_conversations(1).assistant(), "a");
  EXPECT_EQ(recent.recent_conversations(1).metadata().emotion(), "joy");
  EXPECT_EQ(recent.recent_conversations(1).metadata().mode(), "server");
}

TEST_F(TurnsTest, SearchFindsAWordWithinAKoreanOne) {
  Say("오늘 날씨가 좋네", "산책 가요");
  Say("밥 먹었어?", "네");
  EXPECT_THAT(Found("날씨"), ElementsAre("오늘 날씨가 좋네"));
  EXPECT_THAT(Found("씨가"), ElementsAre("오늘 날씨가 좋네"));
  EXPECT_THAT(Found("날씨가"), ElementsAre("오늘 날씨가 좋네"));
  EXPECT_THAT(Found("날개"), IsEmpty());
}

TEST_F(TurnsTest, SearchFindsOneSyllable) {
  Say("김밥", "a");
  Say("밥을 먹자", "a");
  Say("밥", "a");
  Say("방", "a");
  EXPECT_THAT(Found("밥"), UnorderedElementsAre("김밥", "밥을 먹자", "밥"));
}

TEST_F(TurnsTest, SearchFindsEnglishAndMixedWords) {
  Say("Rainbow over Seoul", "a");
  Say("GPT모델을 써 봤어", "a");
  EXPECT_THAT(Found("rain"), ElementsAre("Rainbow over Seoul"));
  EXPECT_THAT(Found("SEOUL rainbow"), ElementsAre("Rainbow over Seoul"));
  EXPECT_THAT(Found("gpt모델"), ElementsAre("GPT모델을 써 봤어"));
  EXPECT_THAT(Found("모델 gpt"), ElementsAre("GPT모델을 써 봤어"));
  EXPECT_THAT(Found("bow"), ElementsAre("Rainbow over Seoul"));
  EXPECT_THAT(Found("bowl"), IsEmpty());
}

TEST_F(TurnsTest, SearchFindsTheAnswerToo) {
  Say("뭐 먹지?", "비빔밥 어때요");
  EXPECT_THAT(Found("비빔"), ElementsAre("뭐 먹지?"));
  EXPECT_THAT(Found("먹지 비빔"), ElementsAre("뭐 먹지?"));  // one word on each side
  EXPECT_EQ(Snippet("비빔"), "[비빔]밥 어때요");
}

TEST_F(TurnsTest, SearchMarksTheMatchInAPassage) {
  std::string before;
  for (int i = 0; i < 100; ++i) before += "말 ";
  Say(before + "오늘 날씨가 좋다", "a");
  EXPECT_THAT(Snippet("날씨"), HasSubstr("오늘 [날씨]가 좋다"));
  EXPECT_EQ(Snippet("날씨").substr(0, 3), "…");
}

TEST_F(TurnsTest, SearchRanksTheShorterAndFullerMatchFirst) {
  std::string long_text = "날씨 이야기는 아니지만";
  for (int i = 0; i < 50; ++i) long_text += " 다른 이야기";
  Say(long_text, "a");
  Say("날씨 날씨 날씨", "a");
  EXPECT_THAT(Found("날씨"), ElementsAre("날씨 날씨 날씨", long_text));
}

TEST_F(TurnsTest, SearchKeepsToUserSessionEmotionAndTime) {
  Say("날씨 1", "a");
  Say("날씨 2", "a", "na", "s2");
  Say("날씨 3", "a", "neo", "s1");
  v1::Conversation sad = Turn("날씨 4", "a");
  sad.set_emotion("sadness");
  Insert(connection_, sad, options_);
  auto request = Keyword("날씨");
  EXPECT_THAT(Found(request), UnorderedElementsAre("날씨 1", "날씨 2", "날씨 4"));
  request.set_session_id("s2");
  EXPECT_THAT(Found(request), ElementsAre("날씨 2"));
  request = Keyword("날씨");
  request.set_emotion("sadness");
  EXPECT_THAT(Found(request), ElementsAre("날씨 4"));
  request = Keyword("날씨");
  *request.mutable_since() = TimeUtil::SecondsToTimestamp(1002);
  *request.mutable_until() = TimeUtil::SecondsToTimestamp(1004);
  EXPECT_THAT(Found(request), ElementsAre("날씨 2"));
  request.set_user_id("neo");
  EXPECT_THAT(Found(request), ElementsAre("날씨 3"));
}

TEST_F(TurnsTest, SearchForSomebodyElsesNumberFindsNothing) {
  Say("날씨", "a");
  EXPECT_THAT(Found("u1"), IsEmpty());
  EXPECT_THAT(Found("owner:u1 OR 날씨"), IsEmpty());
}

TEST_F(TurnsTest, SearchWithoutAKeywordFiltersTheNewestFirst) {
  Say("1", "a");
  Say("2", "a");
  EXPECT_THAT(Found(""), ElementsAre("2", "1"));
}

TEST_F(TurnsTest, SearchGivesPagesAndTheTotal) {
  for (int i = 0; i < 5; ++i) Say("날씨 " + std::to_string(i), "a");
  auto request = Keyword("날씨");
  request.set_limit(2);
  request.set_offset(4);
  const auto page = Search(connection_, request);
  EXPECT_EQ(page.total(), 5);
  EXPECT_EQ(page.count(), 1);
}

TEST_F(TurnsTest, SessionsAreListedTheLastSpokenInFirst) {
  Say("처음", "a", "na", "s1");
  Say("나중", "b", "na", "s2");
  Say("다시", "c", "na", "s1");
  Say("x", "y", "neo", "s3");
  v1::ListSessionsRequest request;
  request.set_user_id("na");
  request.set_limit(50);
  const auto sessions = ListSessions(connection_, request);
  ASSERT_EQ(sessions.sessions_size(), 2);
  EXPECT_EQ(sessions.sessions(0).session_id(), "s1");
  EXPECT_EQ(sessions.sessions(0).conversations(), 2);
  EXPECT_EQ(sessions.sessions(0).last_message(), "다시");
  EXPECT_EQ(sessions.sessions(0).first_conversation().seconds(), 1001);
  EXPECT_EQ(sessions.sessions(0).last_conversation().seconds(), 1003);
  EXPECT_EQ(sessions.sessions(1).last_message(), "나중");
}

TEST_F(TurnsTest, StatsAreOneUsers) {
  Say("1", "a", "na", "s1");
  v1::Conversation cached = Turn("2", "b", "na", "s2");
  cached.set_cached(true);
  cached.set_processing_time(0);
  cached.set_emotion("");
  Insert(connection_, cached, options_);
  const int id = Say("3", "c", "neo", "s3");
  Summarize("x", id, "neo", "s3");
  const auto stats = ReadStats(connection_, "na");
  EXPECT_EQ(stats.total_conversations(), 2);
  EXPECT_EQ(stats.total_summaries(), 0);
  EXPECT_EQ(stats.unique_sessions(), 2);
  EXPECT_EQ(stats.first_conversation().seconds(), 1001);
  EXPECT_EQ(stats.last_conversation().seconds(), 1002);
  EXPECT_THAT(stats.emotions_distribution(), ElementsAre(Pair("joy", 1)));
  EXPECT_DOUBLE_EQ(stats.avg_processing_time(), 0.25);
  EXPECT_DOUBLE_EQ(stats.cache_hit_rate(), 0.5);
  ASSERT_EQ(stats.conversations_by_date().size(), 1u);
  EXPECT_EQ(stats.conversations_by_date().begin()->second, 2);
  EXPECT_EQ(ReadStats(connection_, "nobody").total_conversations(), 0);
}

TEST_F(TurnsTest, WhatIsAnothersIsNotThere) {
  const int id = Say("mine", "a");
  EXPECT_FALSE(Find(connection_, "neo", id));
  EXPECT_FALSE(Delete(connection_, "neo", id));
  EXPECT_EQ(DeleteSome(connection_, "neo", "", 100), 0);
  EXPECT_TRUE(Find(connection_, "na", id));
}

TEST_F(TurnsTest, DeletingATurnDeletesTheSummariesItWentInto) {
  const int first = Say("1", "a");
  const int second = Say("2", "b");
  const int elsewhere = Say("3", "c", "na", "s2");
  Summarize("of the first", first);
  Summarize("of both", second);
  Summarize("of the other", elsewhere, "na", "s2");
  ASSERT_TRUE(Delete(connection_, "na", second));
  EXPECT_EQ(ReadContext(connection_, "na", "s1", options_).summary, "of the first");
  EXPECT_EQ(ReadContext(connection_, "na", "s2", options_).summary, "of the other");
  ASSERT_TRUE(Delete(connection_, "na", first));
  EXPECT_EQ(ReadContext(connection_, "na", "s1", options_).summary, "");
}

TEST_F(TurnsTest, ASessionIsDeletedWithItsSummaries) {
  const int id = Say("1", "a", "na", "s1");
  Summarize("of s1", id);
  Say("2", "b", "na", "s2");
  EXPECT_EQ(DeleteSome(connection_, "na", "s1", 100), 1);
  EXPECT_EQ(ReadContext(connection_, "na", "s1", options_).summary, "");
  EXPECT_THAT(List("na", "s1"), IsEmpty());
  EXPECT_THAT(List("na", "s2"), ElementsAre("2"));
}

TEST_F(TurnsTest, WhatDeletesNothingAsksForNoPurge) {
  Say("1", "a");
  EXPECT_EQ(DeleteSome(connection_, "nobody", "", 100), 0);
  EXPECT_EQ(DeleteSome(connection_, "na", "nowhere", 100), 0);
  const auto asked = [&] {
    return connection_.database().execAndGet("SELECT count(*) FROM purges").getInt();
  };
  EXPECT_EQ(asked(), 0);
  EXPECT_EQ(DeleteSome(connection_, "na", "", 100), 1);
  EXPECT_GT(asked(), 0);
}

// --- asked again ---

TEST_F(TurnsTest, BeforeRepeatsIsTheContextThatTheFirstOfThemHad) {
  options_.max_context_turns = 6;
  for (int i = 0; i < 8; ++i) Say("말 " + std::to_string(i), "네");
  const Recollection first = Recall(connection_, "na", "s1", "질문", options_);
  EXPECT_FALSE(first.before_repeats);
  EXPECT_EQ(first.context.turns.size(), 6u);
  for (const char* typed : {"질문", "  질문\n", "\u110C\u1175\u11AF\u1106\u116E\u11AB"}) {
    Say(typed, "답");
    const Recollection again = Recall(connection_, "na", "s1", "질문 ", options_);
    EXPECT_EQ(again.context.turns.back().answer, "답");
    ASSERT_TRUE(again.before_repeats);
    EXPECT_EQ(Texts(*again.before_repeats), Texts(first.context));
  }
  EXPECT_FALSE(Recall(connection_, "na", "s1", "질문!", options_).before_repeats);
  EXPECT_FALSE(Recall(connection_, "na", "s2", "질문", options_).before_repeats);
  EXPECT_FALSE(Recall(connection_, "neo", "s1", "질문", options_).before_repeats);
  Say("다른 말", "네");
  EXPECT_FALSE(Recall(connection_, "na", "s1", "질문", options_).before_repeats);
}

TEST_F(TurnsTest, BeforeRepeatsKeepsToTheTokensThatFit) {
  const std::string forty(40, 'a');  // characters
  for (int i = 0; i < 4; ++i) Say(forty + std::to_string(i), "네");
  options_.max_context_tokens = 2 * EstimateTokens(forty) + 10;
  const Recollection first = Recall(connection_, "na", "s1", "질문", options_);
  EXPECT_GT(first.context.turns.size(), 1u);
  EXPECT_LT(first.context.turns.size(), 4u);
  Say("질문", std::string(400, 'b'));
  const Recollection again = Recall(connection_, "na", "s1", "질문", options_);
  EXPECT_NE(Texts(again.context), Texts(first.context));
  ASSERT_TRUE(again.before_repeats);
  EXPECT_EQ(Texts(*again.before_repeats), Texts(first.context));
}

TEST_F(TurnsTest, BeforeRepeatsHasTheSummaryThatWasThereThen) {
  const int one = Say("하나", "네");
  Summarize("처음 요약", one);
  const int two = Say("둘", "네");
  const Recollection first = Recall(connection_, "na", "s1", "질문", options_);
  EXPECT_EQ(first.context.summary, "처음 요약");
  Say("질문", "답");
  SummarizeNow("새 요약", two);
  const Recollection again = Recall(connection_, "na", "s1", "질문", options_);
  EXPECT_EQ(again.context.summary, "새 요약");
  ASSERT_TRUE(again.before_repeats);
  EXPECT_EQ(Texts(*again.before_repeats), Texts(first.context));
  Say("다른 말", "네");
  EXPECT_EQ(Recall(connection_, "na", "s1", "질문", options_).context.summary, "새 요약");
}

TEST_F(TurnsTest, AContextIsThereUntilAPartOfItIsDeleted) {
  const int one = Say("하나", "네");
  Say("둘", "네");
  const Context context = ReadContext(connection_, "na", "s1", options_);
  Say("셋", "네");
  EXPECT_TRUE(IsThere(connection_, "na", context));
  EXPECT_FALSE(IsThere(connection_, "neo", context));
  Summarize("요약", one);
  const Context with_summary = ReadContext(connection_, "na", "s1", options_);
  EXPECT_TRUE(IsThere(connection_, "na", with_summary));
  connection_.database().exec("DELETE FROM summaries");
  EXPECT_TRUE(IsThere(connection_, "na", context));
  EXPECT_FALSE(IsThere(connection_, "na", with_summary));
  ASSERT_TRUE(Delete(connection_, "na", one));
  EXPECT_FALSE(IsThere(connection_, "na", context));
  EXPECT_TRUE(IsThere(connection_, "neo", Context()));
}

TEST_F(TurnsTest, WhatIsDeletedIsNotInTheFilesAnyMore) {
  const int id =
      Say("비밀번호는 호랑이입니다 tigerpassword", "알겠어요 elephantanswer", "secretname");
  for (int i = 0; i < 300; ++i) Say("다른 이야기 " + std::to_string(i), "네", "neo");
  Summarize("summaryofsecrets", id, "secretname", "s1");
  Purged();
  for (const char* word :
       {"호랑이", "tigerpassword", "elephantanswer", "secretname", "summaryofsecrets"}) {
    EXPECT_THAT(folder_.Bytes(), HasSubstr(word));
  }
  ASSERT_TRUE(Delete(connection_, "secretname", id));
  EXPECT_TRUE(Purged());
  for (const char* word :
       {"호랑이", "tigerpassword", "elephantanswer", "secretname", "summaryofsecrets"}) {
    EXPECT_THAT(folder_.Bytes(), Not(HasSubstr(word))) << word;
  }
  EXPECT_THAT(List("neo"), testing::SizeIs(50));
}

// SQLite leaves copies of rows in the gaps of its pages when it moves others together.
TEST_F(TurnsTest, NothingIsLeftOfManyDeletedAmongMany) {
  std::mt19937 random(7);
  std::vector<std::pair<int, std::string>> secrets;
  SQLite::Transaction together(connection_.database());
  for (int i = 0; i < 1000; ++i) {
    std::string secret = "secret" + std::to_string(1000000 + i);
    const int id = Say(std::string(random() % 900, 'x') + secret, std::string(random() % 300, 'y'));
    secrets.emplace_back(id, std::move(secret));
  }
  together.commit();
  std::shuffle(secrets.begin(), secrets.end(), random);
  for (int i = 0; i < 700; ++i) {
    SQLite::Transaction one(connection_.database());
    ASSERT_TRUE(Delete(connection_, "na", secrets[i].first));
    one.commit();
  }
  EXPECT_TRUE(Purged());
  const std::string bytes = folder_.Bytes();
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(bytes.find(secrets[i].second) == bytes.npos, i < 700) << secrets[i].second;
  }
}

TEST_F(TurnsTest, WhileSomebodyReadsThePurgeWaits) {
  const int id = Say("하나", "둘");
  ASSERT_TRUE(Delete(connection_, "na", id));
  storage::Connection reader(folder_ / "luna.db");
  reader.database().exec("BEGIN");
  reader.database().execAndGet("SELECT count(*) FROM turns");
  EXPECT_TRUE(storage::Purge(connection_).has_value());
  EXPECT_TRUE(storage::Purge(connection_).has_value());
  reader.database().exec("COMMIT");
  EXPECT_FALSE(storage::Purge(connection_).has_value());
}

TEST_F(TurnsTest, TheFileGivesTheSpaceBack) {
  const auto size = [&] { return std::filesystem::file_size(folder_ / "luna.db"); };
  Purged();
  SQLite::Transaction together(connection_.database());
  for (int i = 0; i < 500; ++i) Say(std::string(2000, 'x') + std::to_string(i), "a");
  together.commit();
  connection_.database().exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const auto full = size();
  while (DeleteSome(connection_, "na", "", 100) == 100) {
  }
  Purged();
  EXPECT_LT(size(), full / 5);
  EXPECT_FALSE(Purged());
}

}  // namespace
}  // namespace luna::memory
