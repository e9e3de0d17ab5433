#include "server/memory/transfer.h"

#include <utility>

#include <google/protobuf/util/time_util.h>

#include "server/memory/rows.h"
#include "server/memory/turns.h"

namespace luna::memory {

using google::protobuf::util::TimeUtil;
using storage::Connection;
using storage::NowMicroseconds;
using storage::Query;
using storage::UserNumber;

namespace {

constexpr int kMostAtOnce = 200;
constexpr std::size_t kEnoughBytes = 256 << 10;

std::vector<v1::ExportResponse> ReadTurns(Connection& connection, const std::string& user,
                                          Bookmark& place) {
  std::vector<v1::ExportResponse> lines;
  Query turns = connection.Prepare("SELECT " TURN_COLUMNS " FROM turns WHERE user = " USER_OF(
      "?1") " AND (ended_at, id) > (?2, ?3) ORDER BY ended_at, id LIMIT ?4");
  turns->bind(1, user);
  turns->bind(2, place.turn_ended_at);
  turns->bind(3, place.turn_id);
  turns->bind(4, kMostAtOnce);
  std::size_t bytes = 0;
  while (bytes < kEnoughBytes && turns->executeStep()) {
    v1::Conversation& turn = *lines.emplace_back().mutable_conversation();
    turn = ReadTurn(user, *turns);
    place.turn_ended_at = TimeUtil::TimestampToMicroseconds(turn.timestamp());
    place.turn_id = turn.id();
    bytes +=
        turn.user_message().size() + turn.translation().size() + turn.assistant_message().size();
  }
  return lines;
}

std::vector<v1::ExportResponse> ReadSummaries(Connection& connection, const std::string& user,
                                              Bookmark& place) {
  std::vector<v1::ExportResponse> lines;
  Query summaries = connection.Prepare(
      "SELECT " SUMMARY_COLUMNS
      " FROM summaries WHERE user = " USER_OF("?1") " AND id > ?2 ORDER BY id LIMIT ?3");
  summaries->bind(1, user);
  summaries->bind(2, place.summary_id);
  summaries->bind(3, kMostAtOnce);
  std::size_t bytes = 0;
  while (bytes < kEnoughBytes && summaries->executeStep()) {
    v1::Summary& summary = *lines.emplace_back().mutable_summary();
    summary = ReadSummary(*summaries);
    place.summary_id = summary.id();
    bytes += summary.content().size();
  }
  return lines;
}

bool IsThere(Connection& connection, std::int64_t user, const v1::Conversation& turn) {
  Query found = connection.Prepare(
      "SELECT 1 FROM turns WHERE user = ?1 AND session = ?2 AND ended_at = ?3 AND input = ?4 "
      "AND answer = ?5");
  found->bind(1, user);
  found->bind(2, turn.session_id());
  found->bind(3, TimeUtil::TimestampToMicroseconds(turn.timestamp()));
  found->bindNoCopy(4, turn.user_message());
  found->bindNoCopy(5, turn.assistant_message());
  return found->executeStep();
}

// False where it is there already.
bool AddSummary(Connection& connection, std::int64_t user, const v1::Summary& summary) {
  // It stands for the session's turns up to that time. Where none ended then (it has been
  // forgotten) there is none to refer to.
  Query insert = connection.Prepare(
      "INSERT INTO summaries (user, session, created_at, content, turns, through_ended_at, "
      "through_id) SELECT ?1, ?2, ?3, ?4, ?5, ?6, (SELECT coalesce(max(id), 0) FROM turns WHERE "
      "user = ?1 AND session = ?2 AND ended_at = ?6) WHERE NOT EXISTS (SELECT 1 FROM summaries "
      "WHERE user = ?1 AND session = ?2 AND through_ended_at = ?6 AND content = ?4)");
  insert->bind(1, user);
  insert->bind(2, summary.session_id());
  insert->bind(3, NowMicroseconds());
  insert->bindNoCopy(4, summary.content());
  insert->bind(5, summary.summarized_turns());
  insert->bind(6, TimeUtil::TimestampToMicroseconds(summary.timestamp()));
  return insert->exec() > 0;
}

}  // namespace

std::vector<v1::ExportResponse> ReadOn(Connection& connection, const std::string& user,
                                       Bookmark& place) {
  std::vector<v1::ExportResponse> lines = ReadTurns(connection, user, place);
  return lines.empty() ? ReadSummaries(connection, user, place) : lines;
}

v1::ImportResponse Import(Connection& connection, const std::string& user_id,
                          const std::vector<v1::ExportResponse>& lines,
                          const config::Memory& options) {
  v1::ImportResponse response;
  if (lines.empty()) return response;
  const std::int64_t user = UserNumber(connection, user_id);
  // Where a part of a file has the summaries first.
  for (const bool summaries : {false, true}) {
    for (const v1::ExportResponse& line : lines) {
      if (line.has_summary() != summaries) continue;
      bool added = false;
      if (summaries) {
        added = AddSummary(connection, user, line.summary());
      } else if (!IsThere(connection, user, line.conversation())) {
        InsertAsItIs(connection, user, line.conversation());
        added = true;
      }
      response.set_imported(response.imported() + (added ? 1 : 0));
      response.set_skipped(response.skipped() + (added ? 0 : 1));
    }
  }
  ForgetOldest(connection, user, options);
  return response;
}

}  // namespace luna::memory
