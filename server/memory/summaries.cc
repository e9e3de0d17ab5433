#include "server/memory/summaries.h"

#include <google/protobuf/util/time_util.h>

#include "server/memory/rows.h"

namespace luna::memory {

using google::protobuf::util::TimeUtil;
using storage::Connection;
using storage::NowMicroseconds;
using storage::Query;

namespace {

// Whether `turns` are what ReadUnsummarized would read again: nothing of them has been deleted, and
// nothing has come between them.
bool AreThere(Connection& connection, const std::string& user, const std::string& session,
              const Unsummarized& turns, std::int64_t last_ended_at) {
  Query ids = connection.Prepare("SELECT id FROM turns WHERE user = " USER_OF(
      "?1") " AND session = ?2 AND (ended_at, id) > (?3, ?4) AND (ended_at, id) <= (?5, ?6) "
            "ORDER BY ended_at, id");
  ids->bind(1, user);
  ids->bind(2, session);
  ids->bind(3, turns.summary_ended_at);
  ids->bind(4, turns.summary_through);
  ids->bind(5, last_ended_at);
  ids->bind(6, turns.turns.back().id());
  for (const v1::Conversation& turn : turns.turns) {
    if (!ids->executeStep() || ids->getColumn(0).getInt() != turn.id()) return false;
  }
  return !ids->executeStep();
}

int NewestSummary(Connection& connection, const std::string& user, const std::string& session) {
  Query newest = connection.Prepare("SELECT id FROM summaries WHERE user = " USER_OF(
      "?1") " AND session = ?2 ORDER BY " NEWEST_SUMMARY " LIMIT 1");
  newest->bind(1, user);
  newest->bind(2, session);
  return newest->executeStep() ? newest->getColumn(0).getInt() : 0;
}

}  // namespace

v1::ListSummariesResponse ListSummaries(Connection& connection,
                                        const v1::ListSummariesRequest& request) {
  v1::ListSummariesResponse response;
  Query summaries = connection.Prepare(
      "SELECT " SUMMARY_COLUMNS
      " FROM summaries "
      "WHERE user = " USER_OF("?1") " AND (?2 = '' OR session = ?2) ORDER BY " NEWEST_SUMMARY
                                    " LIMIT ?3 OFFSET ?4");
  summaries->bind(1, request.user_id());
  summaries->bind(2, request.session_id());
  summaries->bind(3, request.limit());
  summaries->bind(4, request.offset());
  std::size_t bytes = 0;
  while (bytes < kMostPageBytes && summaries->executeStep()) {
    v1::Summary& summary = *response.add_summaries();
    summary = ReadSummary(*summaries);
    bytes += summary.ByteSizeLong();
  }
  response.set_count(response.summaries_size());
  return response;
}

Unsummarized ReadUnsummarized(Connection& connection, const std::string& user,
                              const std::string& session, int leave, int most_tokens) {
  Unsummarized result;
  Query newest = connection.Prepare(
      "SELECT id, content, turns, through_ended_at, through_id FROM summaries WHERE user "
      "= " USER_OF("?1") " AND session = ?2 ORDER BY " NEWEST_SUMMARY " LIMIT 1");
  newest->bind(1, user);
  newest->bind(2, session);
  if (newest->executeStep()) {
    result.newest_summary = newest->getColumn(0).getInt();
    result.summary = newest->getColumn(1).getString();
    result.summarized_turns = newest->getColumn(2).getInt();
    result.summary_ended_at = newest->getColumn(3).getInt64();
    result.summary_through = newest->getColumn(4).getInt();
  }
  Query count = connection.Prepare("SELECT count(*) FROM turns WHERE user = " USER_OF(
      "?1") " AND session = ?2 AND (ended_at, id) > (?3, ?4)");
  count->bind(1, user);
  count->bind(2, session);
  count->bind(3, result.summary_ended_at);
  count->bind(4, result.summary_through);
  count->executeStep();
  result.count = count->getColumn(0).getInt();

  Query turns =
      connection.Prepare("SELECT " TURN_COLUMNS ", tokens FROM turns WHERE user = " USER_OF(
          "?1") " AND session = ?2 AND (ended_at, id) > (?3, ?4) ORDER BY ended_at, id");
  turns->bind(1, user);
  turns->bind(2, session);
  turns->bind(3, result.summary_ended_at);
  turns->bind(4, result.summary_through);
  int tokens = 0;
  while (turns->executeStep()) {
    tokens += turns->getColumn(13).getInt();
    const bool enough = static_cast<int>(result.turns.size()) >= result.count - leave ||
                        (tokens > most_tokens && !result.turns.empty());
    if (enough) break;
    result.turns.push_back(ReadTurn(user, *turns));
  }
  return result;
}

bool InsertSummary(Connection& connection, const std::string& user, const std::string& session,
                   const Unsummarized& turns, const std::string& content) {
  const v1::Conversation& last = turns.turns.back();
  const std::int64_t last_ended_at = TimeUtil::TimestampToMicroseconds(last.timestamp());
  if (!AreThere(connection, user, session, turns, last_ended_at) ||
      NewestSummary(connection, user, session) != turns.newest_summary) {
    return false;
  }
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

}  // namespace luna::memory
