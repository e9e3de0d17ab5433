#include "server/memory/turns.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>

#include "server/base/utf8.h"
#include "server/memory/rows.h"
#include "server/memory/tokens.h"

namespace luna::memory {

using google::protobuf::util::TimeUtil;
using storage::Connection;
using storage::NowMicroseconds;
using storage::Query;
using storage::UserNumber;

namespace {

constexpr int kTimeStandsStill = 1;  // microseconds between two turns that ended at once
constexpr int kForgottenAtOnce = 50;
constexpr int kLastMessageCharacters = 100;
constexpr int kMostRepeats = 100;

std::int64_t LatestEnd(Connection& connection, std::int64_t user) {
  Query latest = connection.Prepare("SELECT max(ended_at) FROM turns WHERE user = ?1");
  latest->bind(1, user);
  latest->executeStep();
  return latest->getColumn(0).getInt64();
}

int InsertAt(Connection& connection, std::int64_t user, std::int64_t ended_at,
             const v1::Conversation& turn) {
  Query insert = connection.Prepare(
      "INSERT INTO turns (user, session, ended_at, created_at, input, answer, emotion, model, "
      "mode, "
      "processing_us, cached, finish_reason, tokens, translation) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)");
  insert->bind(1, user);
  insert->bind(2, turn.session_id());
  insert->bind(3, ended_at);
  insert->bind(4, NowMicroseconds());
  insert->bindNoCopy(5, turn.user_message());
  insert->bindNoCopy(6, turn.assistant_message());
  insert->bind(7, turn.emotion());
  insert->bind(8, turn.model());
  insert->bind(9, turn.mode());
  insert->bind(10, static_cast<std::int64_t>(std::llround(turn.processing_time() * 1e6)));
  insert->bind(11, turn.cached() ? 1 : 0);
  insert->bind(12, turn.finish_reason());
  insert->bind(13, EstimateTokens(turn.user_message()) + EstimateTokens(turn.assistant_message()));
  insert->bindNoCopy(14, turn.translation());
  insert->exec();
  return static_cast<int>(connection.database().getLastInsertRowid());
}

// When a turn ended, by the order of turns, and when it was stored.
struct Moment {
  std::int64_t ended_at = std::numeric_limits<std::int64_t>::max();
  int id = 0;
  std::int64_t stored_at = std::numeric_limits<std::int64_t>::max();
};

// The oldest of the session's last turns that said `input`; nothing where its last turn did not.
std::optional<Moment> FirstOfRepeats(Connection& connection, const std::string& user,
                                     const std::string& session, const std::string& input) {
  const std::string same = utf8::Normalized(input);
  std::optional<Moment> first;
  Query turns =
      connection.Prepare("SELECT ended_at, id, created_at, input FROM turns WHERE user = " USER_OF(
          "?1") " AND session = ?2 ORDER BY ended_at DESC, id DESC LIMIT ?3");
  turns->bind(1, user);
  turns->bind(2, session);
  turns->bind(3, kMostRepeats);
  while (turns->executeStep() && utf8::Normalized(turns->getColumn(3).getString()) == same) {
    first = Moment{turns->getColumn(0).getInt64(), turns->getColumn(1).getInt(),
                   turns->getColumn(2).getInt64()};
  }
  return first;
}

// The context of a turn that ended at `moment`.
Context ReadContextBefore(Connection& connection, const std::string& user,
                          const std::string& session, const config::Memory& options,
                          const Moment& moment) {
  Context context;
  Query summary = connection.Prepare("SELECT id, content FROM summaries WHERE user = " USER_OF(
      "?1") " AND session = ?2 AND created_at < ?3 ORDER BY " NEWEST_SUMMARY " LIMIT 1");
  summary->bind(1, user);
  summary->bind(2, session);
  summary->bind(3, moment.stored_at);
  if (summary->executeStep()) {
    context.summary_id = summary->getColumn(0).getInt();
    context.summary = summary->getColumn(1).getString();
  }

  Query turns =
      connection
          .Prepare("SELECT id, input, translation, answer, tokens FROM turns WHERE user = " USER_OF(
              "?1") " AND session = ?2 AND (ended_at, id) < (?3, ?4) "
                    "ORDER BY ended_at DESC, id DESC LIMIT ?5");
  turns->bind(1, user);
  turns->bind(2, session);
  turns->bind(3, moment.ended_at);
  turns->bind(4, moment.id);
  turns->bind(5, options.max_context_turns);
  int tokens = 0;
  while (turns->executeStep()) {
    tokens += turns->getColumn(4).getInt();
    if (tokens > options.max_context_tokens && !context.turns.empty()) break;
    context.turns.push_back({turns->getColumn(0).getInt(), turns->getColumn(1).getString(),
                             turns->getColumn(2).getString(), turns->getColumn(3).getString()});
  }
  std::reverse(context.turns.begin(), context.turns.end());
  return context;
}

}  // namespace

int Insert(Connection& connection, const v1::Conversation& turn, const config::Memory& options) {
  const std::int64_t user = UserNumber(connection, turn.user_id());
  const std::int64_t ended_at = std::max(TimeUtil::TimestampToMicroseconds(turn.timestamp()),
                                         LatestEnd(connection, user) + kTimeStandsStill);
  const int id = InsertAt(connection, user, ended_at, turn);
  ForgetOldest(connection, user, options, kForgottenAtOnce);
  return id;
}

int InsertAsItIs(Connection& connection, std::int64_t user, const v1::Conversation& turn) {
  return InsertAt(connection, user, TimeUtil::TimestampToMicroseconds(turn.timestamp()), turn);
}

void ForgetOldest(Connection& connection, std::int64_t user, const config::Memory& options,
                  int most) {
  if (options.max_entries <= 0) return;
  Query forget = connection.Prepare(
      "DELETE FROM turns WHERE id IN (SELECT id FROM turns WHERE user = ?1 "
      "ORDER BY ended_at DESC, id DESC LIMIT ?3 OFFSET ?2)");
  forget->bind(1, user);
  forget->bind(2, options.max_entries);
  forget->bind(3, most);
  forget->exec();
}

Context ReadContext(Connection& connection, const std::string& user, const std::string& session,
                    const config::Memory& options) {
  return ReadContextBefore(connection, user, session, options, Moment());
}

Recollection Recall(Connection& connection, const std::string& user, const std::string& session,
                    const std::string& input, const config::Memory& options) {
  Recollection result;
  result.context = ReadContext(connection, user, session, options);
  const std::optional<Moment> repeats = FirstOfRepeats(connection, user, session, input);
  if (repeats) {
    result.before_repeats = ReadContextBefore(connection, user, session, options, *repeats);
  }
  return result;
}

bool MayRepeat(const std::string& input, const Context& context) {
  return context.turns.empty() ||
         utf8::Normalized(context.turns.back().input) == utf8::Normalized(input);
}

std::string SessionKey(const std::string& user, const std::string& session) {
  return absl::StrCat(user.size(), ":", user, session);
}

bool IsThere(Connection& connection, const std::string& user, const Context& context) {
  if (context.summary_id != 0) {
    Query summary =
        connection.Prepare("SELECT 1 FROM summaries WHERE user = " USER_OF("?1") " AND id = ?2");
    summary->bind(1, user);
    summary->bind(2, context.summary_id);
    if (!summary->executeStep()) return false;
  }
  for (const Told& said : context.turns) {
    Query turn =
        connection.Prepare("SELECT 1 FROM turns WHERE user = " USER_OF("?1") " AND id = ?2");
    turn->bind(1, user);
    turn->bind(2, said.id);
    if (!turn->executeStep()) return false;
  }
  return true;
}

v1::ListRecentResponse ListRecent(Connection& connection, const v1::ListRecentRequest& request) {
  v1::ListRecentResponse response;
  Query turns = connection.Prepare(
      "SELECT ended_at, input, answer, emotion, mode FROM turns WHERE user = " USER_OF(
          "?1") " ORDER BY ended_at DESC, id DESC LIMIT ?2");
  turns->bind(1, request.user_id());
  turns->bind(2, request.count());
  std::size_t bytes = 0;
  while (bytes < kMostPageBytes && turns->executeStep()) {
    v1::RecentConversation& turn = *response.add_recent_conversations();
    *turn.mutable_timestamp() = TimeUtil::MicrosecondsToTimestamp(turns->getColumn(0).getInt64());
    turn.set_user(turns->getColumn(1).getString());
    turn.set_assistant(turns->getColumn(2).getString());
    turn.mutable_metadata()->set_emotion(turns->getColumn(3).getString());
    turn.mutable_metadata()->set_mode(turns->getColumn(4).getString());
    bytes += turn.ByteSizeLong();
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
  std::size_t bytes = 0;
  while (bytes < kMostPageBytes && turns->executeStep()) {
    v1::Conversation& turn = *response.add_conversations();
    turn = ReadTurn(request.user_id(), *turns);
    bytes += turn.ByteSizeLong();
  }
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
  return ReadTurn(user, *turn);
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

}  // namespace luna::memory
