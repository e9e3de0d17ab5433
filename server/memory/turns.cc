#include "server/memory/turns.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>

#include "server/memory/tokens.h"
#include "server/storage/tokenizer.h"

namespace luna::memory {
namespace {

using google::protobuf::util::TimeUtil;
using storage::Connection;
using storage::Query;

// In the order in which Read takes them.
#define TURN_COLUMNS                                                               \
  "turns.id, session, ended_at, created_at, input, answer, emotion, model, mode, " \
  "processing_us, cached, finish_reason"
// A user's number. Nothing equals it where he has none.
#define USER_OF(parameter) "(SELECT id FROM users WHERE name = " parameter ")"

constexpr int kTimeStandsStill = 1;  // microseconds between two turns that ended at once
constexpr int kLastMessageCharacters = 100;
constexpr int kSnippetTokens = 32;
// What stands around a match in what FTS5 makes of a snippet.
constexpr char kMatchBegins = '\x02';
constexpr char kMatchEnds = '\x03';

v1::Conversation Read(const std::string& user, SQLite::Statement& row) {
  v1::Conversation turn;
  turn.set_id(row.getColumn(0).getInt());
  turn.set_user_id(user);
  turn.set_session_id(row.getColumn(1).getString());
  *turn.mutable_timestamp() = TimeUtil::MicrosecondsToTimestamp(row.getColumn(2).getInt64());
  *turn.mutable_created_at() = TimeUtil::MicrosecondsToTimestamp(row.getColumn(3).getInt64());
  turn.set_user_message(row.getColumn(4).getString());
  turn.set_assistant_message(row.getColumn(5).getString());
  turn.set_emotion(row.getColumn(6).getString());
  turn.set_model(row.getColumn(7).getString());
  turn.set_mode(row.getColumn(8).getString());
  turn.set_processing_time(static_cast<double>(row.getColumn(9).getInt64()) / 1e6);
  turn.set_cached(row.getColumn(10).getInt() != 0);
  turn.set_finish_reason(row.getColumn(11).getString());
  return turn;
}

std::int64_t NowMicroseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::int64_t UserNumber(Connection& connection, const std::string& name) {
  {
    Query found = connection.Prepare("SELECT id FROM users WHERE name = ?1");
    found->bind(1, name);
    if (found->executeStep()) return found->getColumn(0).getInt64();
  }
  Query insert = connection.Prepare("INSERT INTO users (name) VALUES (?1)");
  insert->bind(1, name);
  insert->exec();
  return connection.database().getLastInsertRowid();
}

std::int64_t LatestEnd(Connection& connection, std::int64_t user) {
  Query latest = connection.Prepare("SELECT max(ended_at) FROM turns WHERE user = ?1");
  latest->bind(1, user);
  latest->executeStep();
  return latest->getColumn(0).getInt64();
}

// `session` empty: of all.
void ForgetOldest(Connection& connection, std::int64_t user, int most) {
  Query forget = connection.Prepare(
      "DELETE FROM turns WHERE id IN (SELECT id FROM turns WHERE user = ?1 "
      "ORDER BY ended_at DESC, id DESC LIMIT -1 OFFSET ?2)");
  forget->bind(1, user);
  forget->bind(2, most);
  forget->exec();
}

void DeleteSummaries(Connection& connection, const std::string& user, const std::string& session,
                     std::int64_t through_ended_at, int through_id) {
  Query summaries = connection.Prepare("DELETE FROM summaries WHERE user = " USER_OF(
      "?1") " AND (?2 = '' OR session = ?2) AND (through_ended_at, through_id) >= (?3, ?4)");
  summaries->bind(1, user);
  summaries->bind(2, session);
  summaries->bind(3, through_ended_at);
  summaries->bind(4, through_id);
  summaries->exec();
}

// Nothing of a user is left: neither is his name.
void ForgetUserWithoutTurns(Connection& connection, const std::string& user) {
  Query forget = connection.Prepare(
      "DELETE FROM users WHERE name = ?1 AND id NOT IN (SELECT user FROM turns WHERE user = "
      "users.id) AND id NOT IN (SELECT user FROM summaries WHERE user = users.id)");
  forget->bind(1, user);
  forget->exec();
}

void AskForPurge(Connection& connection) {
  connection.Prepare("INSERT OR REPLACE INTO purges (id, begun) VALUES (1, 0)")->exec();
}

// The parts of what FTS5 marked; whether anything is.
bool AddParts(const std::string& marked, v1::Conversation& turn) {
  if (marked.find(kMatchBegins) == std::string::npos) return false;
  bool match = false;
  std::size_t at = 0;
  while (at < marked.size()) {
    const std::size_t end =
        std::min(marked.find(match ? kMatchEnds : kMatchBegins, at), marked.size());
    if (end > at) {
      v1::SnippetPart& part = *turn.add_snippet();
      part.set_text(marked.substr(at, end - at));
      part.set_match(match);
    }
    match = !match;
    at = end + 1;
  }
  return true;
}

void AddSnippet(Connection& connection, const std::string& expression, v1::Conversation& turn) {
  Query snippet = connection.Prepare(
      "SELECT snippet(turn_search, 1, char(2), char(3), '…', ?3), "
      "snippet(turn_search, 2, char(2), char(3), '…', ?3) "
      "FROM turn_search WHERE turn_search MATCH ?1 AND rowid = ?2");
  snippet->bind(1, expression);
  snippet->bind(2, turn.id());
  snippet->bind(3, kSnippetTokens);
  if (!snippet->executeStep()) return;
  AddParts(snippet->getColumn(0).getString(), turn) ||
      AddParts(snippet->getColumn(1).getString(), turn);
}

// What of a search is the same for the page and for the count. `condition` binds ?1 to ?5.
#define SEARCH_FILTER \
  " turns.user = " USER_OF("?1") " AND (?2 = '' OR session = ?2)"                  \
  " AND (?3 = '' OR emotion = ?3) AND ended_at >= ?4 AND ended_at < ?5"
#define SEARCH_MATCH                                                   \
  " FROM turn_search CROSS JOIN turns ON turns.id = turn_search.rowid" \
  " WHERE turn_search MATCH ?6 AND" SEARCH_FILTER

void BindFilter(const v1::SearchConversationsRequest& request, SQLite::Statement& statement) {
  statement.bind(1, request.user_id());
  statement.bind(2, request.session_id());
  statement.bind(3, request.emotion());
  statement.bind(4, request.has_since() ? TimeUtil::TimestampToMicroseconds(request.since())
                                        : std::numeric_limits<std::int64_t>::min());
  statement.bind(5, request.has_until() ? TimeUtil::TimestampToMicroseconds(request.until())
                                        : std::numeric_limits<std::int64_t>::max());
}

std::string SearchExpression(Connection& connection,
                             const v1::SearchConversationsRequest& request) {
  const std::string words = storage::MatchExpression(request.keyword());
  if (words.empty()) return "";
  Query user = connection.Prepare("SELECT id FROM users WHERE name = ?1");
  user->bind(1, request.user_id());
  if (!user->executeStep()) return "";
  return absl::StrCat("owner : \"u", user->getColumn(0).getInt64(), "\" AND {input answer} : (",
                      words, ")");
}

}  // namespace

int Insert(Connection& connection, v1::Conversation turn, const config::Memory& options) {
  const std::int64_t user = UserNumber(connection, turn.user_id());
  const std::int64_t ended_at = std::max(TimeUtil::TimestampToMicroseconds(turn.timestamp()),
                                         LatestEnd(connection, user) + kTimeStandsStill);
  Query insert = connection.Prepare(
      "INSERT INTO turns (user, session, ended_at, created_at, input, answer, emotion, model, "
      "mode, "
      "processing_us, cached, finish_reason, tokens) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
  insert->bind(1, user);
  insert->bind(2, turn.session_id());
  insert->bind(3, ended_at);
  insert->bind(4, NowMicroseconds());
  insert->bindNoCopy(5, turn.user_message());
  insert->bindNoCopy(6, turn.assistant_message());
  insert->bind(7, turn.emotion());
  insert->bind(8, turn.model());
  insert->bind(9, turn.mode());
  insert->bind(10, static_cast<std::int64_t>(turn.processing_time() * 1e6));
  insert->bind(11, turn.cached() ? 1 : 0);
  insert->bind(12, turn.finish_reason());
  insert->bind(13, EstimateTokens(turn.user_message()) + EstimateTokens(turn.assistant_message()));
  insert->exec();
  const auto id = static_cast<int>(connection.database().getLastInsertRowid());
  if (options.max_entries > 0) ForgetOldest(connection, user, options.max_entries);
  return id;
}

Context ReadContext(Connection& connection, const std::string& user, const std::string& session,
                    const config::Memory& options) {
  Context context;
  Query summary = connection.Prepare("SELECT content FROM summaries WHERE user = " USER_OF(
      "?1") " AND session = ?2 ORDER BY id DESC LIMIT 1");
  summary->bind(1, user);
  summary->bind(2, session);
  if (summary->executeStep()) context.summary = summary->getColumn(0).getString();

  Query turns = connection.Prepare("SELECT input, answer, tokens FROM turns WHERE user = " USER_OF(
      "?1") " AND session = ?2 ORDER BY ended_at DESC, id DESC LIMIT ?3");
  turns->bind(1, user);
  turns->bind(2, session);
  turns->bind(3, options.max_context_turns);
  int tokens = 0;
  while (turns->executeStep()) {
    tokens += turns->getColumn(2).getInt();
    if (tokens > options.max_context_tokens && !context.turns.empty()) break;
    v1::Conversation& turn = context.turns.emplace_back();
    turn.set_user_message(turns->getColumn(0).getString());
    turn.set_assistant_message(turns->getColumn(1).getString());
  }
  std::reverse(context.turns.begin(), context.turns.end());
  return context;
}

v1::ListRecentResponse ListRecent(Connection& connection, const v1::ListRecentRequest& request) {
  v1::ListRecentResponse response;
  Query turns = connection.Prepare(
      "SELECT ended_at, input, answer, emotion, mode FROM turns WHERE user = " USER_OF(
          "?1") " ORDER BY ended_at DESC, id DESC LIMIT ?2");
  turns->bind(1, request.user_id());
  turns->bind(2, request.count());
  while (turns->executeStep()) {
    v1::RecentConversation& turn = *response.add_recent_conversations();
    *turn.mutable_timestamp() = TimeUtil::MicrosecondsToTimestamp(turns->getColumn(0).getInt64());
    turn.set_user(turns->getColumn(1).getString());
    turn.set_assistant(turns->getColumn(2).getString());
    turn.mutable_metadata()->set_emotion(turns->getColumn(3).getString());
    turn.mutable_metadata()->set_mode(turns->getColumn(4).getString());
  }
  return response;
}

v1::ListConversationsResponse ListConversations(Connection& connection,
                                                const v1::ListConversationsRequest& request) {
  v1::ListConversationsResponse response;
  Query turns = connection.Prepare("SELECT " TURN_COLUMNS " FROM turns WHERE user = " USER_OF(
      "?1") " AND session = ?2 ORDER BY ended_at DESC, id DESC LIMIT ?3 OFFSET ?4");
  turns->bind(1, request.user_id());
  turns->bind(2, request.session_id());
  turns->bind(3, request.limit());
  turns->bind(4, request.offset());
  while (turns->executeStep()) *response.add_conversations() = Read(request.user_id(), *turns);
  response.set_count(response.conversations_size());
  response.set_limit(request.limit());
  response.set_offset(request.offset());
  return response;
}

std::optional<v1::Conversation> Find(Connection& connection, const std::string& user, int id) {
  Query turn = connection.Prepare("SELECT " TURN_COLUMNS
                                  " FROM turns WHERE user = " USER_OF("?1") " AND id = ?2");
  turn->bind(1, user);
  turn->bind(2, id);
  if (!turn->executeStep()) return std::nullopt;
  return Read(user, *turn);
}

v1::SearchConversationsResponse Search(Connection& connection,
                                       const v1::SearchConversationsRequest& request) {
  v1::SearchConversationsResponse response;
  response.set_limit(request.limit());
  response.set_offset(request.offset());
  const bool by_words = !request.keyword().empty();
  const std::string expression = by_words ? SearchExpression(connection, request) : "";
  if (by_words && expression.empty()) return response;

  Query count = connection.Prepare(by_words ? "SELECT count(*)" SEARCH_MATCH
                                            : "SELECT count(*) FROM turns WHERE" SEARCH_FILTER);
  BindFilter(request, *count);
  if (by_words) count->bind(6, expression);
  count->executeStep();
  response.set_total(count->getColumn(0).getInt());

  std::vector<std::int64_t> ids;
  Query page = connection.Prepare(
      by_words ? "SELECT turns.id" SEARCH_MATCH
                 " ORDER BY bm25(turn_search, 0), ended_at DESC, turns.id DESC LIMIT ?7 OFFSET ?8"
               : "SELECT turns.id FROM turns WHERE" SEARCH_FILTER
                 " ORDER BY ended_at DESC, id DESC LIMIT ?7 OFFSET ?8");
  BindFilter(request, *page);
  if (by_words) page->bind(6, expression);
  page->bind(7, request.limit());
  page->bind(8, request.offset());
  while (page->executeStep()) ids.push_back(page->getColumn(0).getInt64());
  for (const std::int64_t id : ids) {
    std::optional<v1::Conversation> turn =
        Find(connection, request.user_id(), static_cast<int>(id));
    if (!turn) continue;  // deleted a moment ago
    if (by_words) AddSnippet(connection, expression, *turn);
    *response.add_results() = *std::move(turn);
  }
  response.set_count(response.results_size());
  return response;
}

v1::ListSessionsResponse ListSessions(Connection& connection,
                                      const v1::ListSessionsRequest& request) {
  v1::ListSessionsResponse response;
  // SQLite takes the other columns from the row that max() found.
  Query sessions = connection.Prepare(
      "SELECT session, count(*), min(ended_at), max(ended_at), substr(input, 1, ?4) FROM turns "
      "WHERE user = " USER_OF("?1") " GROUP BY session ORDER BY 4 DESC LIMIT ?2 OFFSET ?3");
  sessions->bind(1, request.user_id());
  sessions->bind(2, request.limit());
  sessions->bind(3, request.offset());
  sessions->bind(4, kLastMessageCharacters);
  while (sessions->executeStep()) {
    v1::Session& session = *response.add_sessions();
    session.set_session_id(sessions->getColumn(0).getString());
    session.set_conversations(sessions->getColumn(1).getInt());
    *session.mutable_first_conversation() =
        TimeUtil::MicrosecondsToTimestamp(sessions->getColumn(2).getInt64());
    *session.mutable_last_conversation() =
        TimeUtil::MicrosecondsToTimestamp(sessions->getColumn(3).getInt64());
    session.set_last_message(sessions->getColumn(4).getString());
  }
  response.set_count(response.sessions_size());
  response.set_limit(request.limit());
  response.set_offset(request.offset());
  return response;
}

v1::GetStatsResponse ReadStats(Connection& connection, const std::string& user) {
  v1::GetStatsResponse stats;
  Query turns = connection.Prepare(
      "SELECT count(*), count(DISTINCT session), min(ended_at), max(ended_at), "
      "coalesce(avg(processing_us) FILTER (WHERE NOT cached), 0) / 1e6, coalesce(avg(cached), 0) "
      "FROM turns WHERE user = " USER_OF("?1"));
  turns->bind(1, user);
  turns->executeStep();
  stats.set_total_conversations(turns->getColumn(0).getInt());
  stats.set_unique_sessions(turns->getColumn(1).getInt());
  if (stats.total_conversations() > 0) {
    *stats.mutable_first_conversation() =
        TimeUtil::MicrosecondsToTimestamp(turns->getColumn(2).getInt64());
    *stats.mutable_last_conversation() =
        TimeUtil::MicrosecondsToTimestamp(turns->getColumn(3).getInt64());
  }
  stats.set_avg_processing_time(turns->getColumn(4).getDouble());
  stats.set_cache_hit_rate(turns->getColumn(5).getDouble());

  Query summaries =
      connection.Prepare("SELECT count(*) FROM summaries WHERE user = " USER_OF("?1"));
  summaries->bind(1, user);
  summaries->executeStep();
  stats.set_total_summaries(summaries->getColumn(0).getInt());

  Query emotions = connection.Prepare("SELECT emotion, count(*) FROM turns WHERE user = " USER_OF(
      "?1") " AND emotion <> '' GROUP BY emotion");
  emotions->bind(1, user);
  while (emotions->executeStep()) {
    (*stats.mutable_emotions_distribution())[emotions->getColumn(0).getString()] =
        emotions->getColumn(1).getInt();
  }
  Query days = connection.Prepare(
      "SELECT date(ended_at / 1000000, 'unixepoch', 'localtime'), count(*) FROM turns "
      "WHERE user = " USER_OF("?1") " GROUP BY 1");
  days->bind(1, user);
  while (days->executeStep()) {
    (*stats.mutable_conversations_by_date())[days->getColumn(0).getString()] =
        days->getColumn(1).getInt();
  }
  return stats;
}

bool Delete(Connection& connection, const std::string& user, int id) {
  const std::optional<v1::Conversation> turn = Find(connection, user, id);
  if (!turn) return false;
  Query row = connection.Prepare("DELETE FROM turns WHERE user = " USER_OF("?1") " AND id = ?2");
  row->bind(1, user);
  row->bind(2, id);
  row->exec();
  DeleteSummaries(connection, user, turn->session_id(),
                  TimeUtil::TimestampToMicroseconds(turn->timestamp()), id);
  ForgetUserWithoutTurns(connection, user);
  AskForPurge(connection);
  return true;
}

int DeleteSome(Connection& connection, const std::string& user, const std::string& session,
               int most) {
  Query rows = connection.Prepare(
      "DELETE FROM turns WHERE id IN (SELECT id FROM turns WHERE user = " USER_OF(
          "?1") " AND (?2 = '' OR session = ?2) LIMIT ?3)");
  rows->bind(1, user);
  rows->bind(2, session);
  rows->bind(3, most);
  const int deleted = rows->exec();
  if (deleted < most) {
    DeleteSummaries(connection, user, session, 0, 0);
    ForgetUserWithoutTurns(connection, user);
  }
  AskForPurge(connection);
  return deleted;
}

v1::ListSummariesResponse ListSummaries(Connection& connection,
                                        const v1::ListSummariesRequest& request) {
  v1::ListSummariesResponse response;
  Query summaries = connection.Prepare(
      "SELECT id, session, through_ended_at, created_at, content, turns FROM summaries "
      "WHERE user = " USER_OF(
          "?1") " AND (?2 = '' OR session = ?2) ORDER BY id DESC LIMIT ?3 OFFSET ?4");
  summaries->bind(1, request.user_id());
  summaries->bind(2, request.session_id());
  summaries->bind(3, request.limit());
  summaries->bind(4, request.offset());
  while (summaries->executeStep()) {
    v1::Summary& summary = *response.add_summaries();
    summary.set_id(summaries->getColumn(0).getInt());
    summary.set_session_id(summaries->getColumn(1).getString());
    *summary.mutable_timestamp() =
        TimeUtil::MicrosecondsToTimestamp(summaries->getColumn(2).getInt64());
    *summary.mutable_created_at() =
        TimeUtil::MicrosecondsToTimestamp(summaries->getColumn(3).getInt64());
    summary.set_content(summaries->getColumn(4).getString());
    summary.set_summarized_turns(summaries->getColumn(5).getInt());
  }
  response.set_count(response.summaries_size());
  return response;
}

Unsummarized ReadUnsummarized(Connection& connection, const std::string& user,
                              const std::string& session, int leave, int most_tokens) {
  Unsummarized result;
  Query newest = connection.Prepare(
      "SELECT id, content, turns, through_ended_at, through_id FROM summaries WHERE user "
      "= " USER_OF("?1") " AND session = ?2 ORDER BY id DESC LIMIT 1");
  newest->bind(1, user);
  newest->bind(2, session);
  if (newest->executeStep()) {
    result.newest_summary = newest->getColumn(0).getInt();
    result.summary = newest->getColumn(1).getString();
    result.summarized_turns = newest->getColumn(2).getInt();
    result.summary_ended_at = newest->getColumn(3).getInt64();
    result.summary_through = newest->getColumn(4).getInt();
  }
  Query turns = connection.Prepare(
      "SELECT " TURN_COLUMNS ", tokens, count(*) OVER () FROM turns WHERE user = " USER_OF(
          "?1") " AND session = ?2 AND (ended_at, id) > (?3, ?4) ORDER BY ended_at, id");
  turns->bind(1, user);
  turns->bind(2, session);
  turns->bind(3, result.summary_ended_at);
  turns->bind(4, result.summary_through);
  int tokens = 0;
  while (turns->executeStep()) {
    result.count = turns->getColumn(13).getInt();
    tokens += turns->getColumn(12).getInt();
    const bool enough = static_cast<int>(result.turns.size()) >= result.count - leave ||
                        (tokens > most_tokens && !result.turns.empty());
    if (enough) break;
    result.turns.push_back(Read(user, *turns));
  }
  return result;
}

bool InsertSummary(Connection& connection, const std::string& user, const std::string& session,
                   const Unsummarized& turns, const std::string& content) {
  const v1::Conversation& last = turns.turns.back();
  const std::int64_t last_ended_at = TimeUtil::TimestampToMicroseconds(last.timestamp());
  Query unchanged = connection.Prepare("SELECT (SELECT count(*) FROM turns WHERE user = " USER_OF(
      "?1") " AND session = ?2 AND (ended_at, id) > (?3, ?4) AND (ended_at, id) <= (?5, ?6)) = ?7"
            " AND (SELECT coalesce(max(id), 0) FROM summaries WHERE user = " USER_OF(
                "?1") " AND session = ?2) = ?8");
  unchanged->bind(1, user);
  unchanged->bind(2, session);
  unchanged->bind(3, turns.summary_ended_at);
  unchanged->bind(4, turns.summary_through);
  unchanged->bind(5, last_ended_at);
  unchanged->bind(6, last.id());
  unchanged->bind(7, static_cast<int>(turns.turns.size()));
  unchanged->bind(8, turns.newest_summary);
  unchanged->executeStep();
  if (unchanged->getColumn(0).getInt() == 0) return false;
  Query insert = connection.Prepare(
      "INSERT INTO summaries (user, session, created_at, content, turns, through_ended_at, "
      "through_id) VALUES (" USER_OF("?1") ", ?2, ?3, ?4, ?5, ?6, ?7)");
  insert->bind(1, user);
  insert->bind(2, session);
  insert->bind(3, NowMicroseconds());
  insert->bind(4, content);
  insert->bind(5, turns.summarized_turns + static_cast<int>(turns.turns.size()));
  insert->bind(6, last_ended_at);
  insert->bind(7, last.id());
  insert->exec();
  return true;
}

bool Purge(Connection& connection) {
  constexpr int kIndexPages = 256;  // of 4 KiB, merged in one step
  constexpr int kFreePages = 1024;  // given back in one step
  SQLite::Database& database = connection.database();
  bool begun = false;
  {
    Query asked = connection.Prepare("SELECT begun FROM purges");
    if (!asked->executeStep()) return false;
    begun = asked->getColumn(0).getInt() != 0;
  }
  // https://www.sqlite.org/fts5.html#the_merge_command: a negative number of pages begins to merge
  // the whole index, a positive one goes on; nothing was left where less than two rows changed.
  const int before = database.getTotalChanges();
  Query merge =
      connection.Prepare("INSERT INTO turn_search (turn_search, rank) VALUES ('merge', ?1)");
  merge->bind(1, begun ? kIndexPages : -kIndexPages);
  merge->exec();
  const bool merged = database.getTotalChanges() - before >= 2;
  if (!begun) connection.Prepare("UPDATE purges SET begun = 1")->exec();
  if (merged || !begun) return true;
  if (database.execAndGet("PRAGMA freelist_count").getInt() > 0) {
    database.exec("PRAGMA incremental_vacuum(" + std::to_string(kFreePages) + ")");
    return true;
  }
  const bool busy = database.execAndGet("PRAGMA wal_checkpoint(TRUNCATE)").getInt() != 0;
  if (busy) return true;
  connection.Prepare("DELETE FROM purges")->exec();
  return false;
}

}  // namespace luna::memory
