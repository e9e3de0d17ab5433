#include "server/memory/transfer.h"

#include <set>
#include <unordered_set>
#include <utility>

#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>

#include "server/base/sha256.h"
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
constexpr int kAll = -1;  // as SQLite's LIMIT has it

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

// What there is of a user's, by hashes: of a session's moment or summaries, read when the first of
// them is asked for. A query for each line would read all that ended at the same moment.
class Present {
 public:
  Present(Connection& connection, std::int64_t user) : connection_(connection), user_(user) {}

  // Each is false where it is there already.
  bool Add(const v1::Conversation& turn) {
    const std::int64_t ended_at = TimeUtil::TimestampToMicroseconds(turn.timestamp());
    if (moments_.emplace(turn.session_id(), ended_at).second) {
      Query turns = connection_.Prepare(
          "SELECT input, answer FROM turns WHERE user = ?1 AND session = ?2 AND ended_at = ?3");
      turns->bind(1, user_);
      turns->bind(2, turn.session_id());
      turns->bind(3, ended_at);
      while (turns->executeStep()) {
        turns_.insert(Hash(turn.session_id(), ended_at, turns->getColumn(0).getString(),
                           turns->getColumn(1).getString()));
      }
    }
    return turns_
        .insert(Hash(turn.session_id(), ended_at, turn.user_message(), turn.assistant_message()))
        .second;
  }

  bool Add(const v1::Summary& summary) {
    if (sessions_.insert(summary.session_id()).second) {
      Query summaries = connection_.Prepare(
          "SELECT through_ended_at, content FROM summaries WHERE user = ?1 AND session = ?2");
      summaries->bind(1, user_);
      summaries->bind(2, summary.session_id());
      while (summaries->executeStep()) {
        summaries_.insert(Hash(summary.session_id(), summaries->getColumn(0).getInt64(),
                               summaries->getColumn(1).getString(), ""));
      }
    }
    const std::int64_t through = TimeUtil::TimestampToMicroseconds(summary.timestamp());
    return summaries_.insert(Hash(summary.session_id(), through, summary.content(), "")).second;
  }

 private:
  static std::string Hash(const std::string& session, std::int64_t ended_at,
                          const std::string& text, const std::string& answer) {
    return Sha256(
        absl::StrCat(session.size(), " ", ended_at, " ", text.size(), " ", session, text, answer));
  }

  Connection& connection_;
  const std::int64_t user_;
  std::set<std::pair<std::string, std::int64_t>> moments_;
  std::unordered_set<std::string> turns_;
  std::unordered_set<std::string> sessions_;
  std::unordered_set<std::string> summaries_;
};

void AddSummary(Connection& connection, std::int64_t user, const v1::Summary& summary) {
  // It stands for the session's turns up to that time. Where none ended then (it has been
  // forgotten) there is none to refer to.
  Query insert = connection.Prepare(
      "INSERT INTO summaries (user, session, created_at, content, turns, through_ended_at, "
      "through_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, (SELECT coalesce(max(id), 0) FROM turns WHERE "
      "user = ?1 AND session = ?2 AND ended_at = ?6))");
  insert->bind(1, user);
  insert->bind(2, summary.session_id());
  insert->bind(3, NowMicroseconds());
  insert->bindNoCopy(4, summary.content());
  insert->bind(5, summary.summarized_turns());
  insert->bind(6, TimeUtil::TimestampToMicroseconds(summary.timestamp()));
  insert->exec();
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
  Present present(connection, user);
  // Where a part of a file has the summaries first.
  for (const bool summaries : {false, true}) {
    for (const v1::ExportResponse& line : lines) {
      if (line.has_summary() != summaries) continue;
      bool added = false;
      if (summaries) {
        added = present.Add(line.summary());
        if (added) AddSummary(connection, user, line.summary());
      } else {
        added = present.Add(line.conversation());
        if (added) InsertAsItIs(connection, user, line.conversation());
      }
      response.set_imported(response.imported() + (added ? 1 : 0));
      response.set_skipped(response.skipped() + (added ? 0 : 1));
    }
  }
  ForgetOldest(connection, user, options, kAll);
  return response;
}

}  // namespace luna::memory
