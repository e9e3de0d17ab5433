#include "server/memory/deletion.h"

#include <sqlite3.h>

#include <optional>
#include <string>

#include <google/protobuf/util/time_util.h>

#include "server/memory/rows.h"
#include "server/memory/turns.h"

namespace luna::memory {

using google::protobuf::util::TimeUtil;
using storage::Connection;
using storage::Query;

namespace {

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
  connection.Prepare("INSERT OR REPLACE INTO purges (id, vacuumed) VALUES (1, 0)")->exec();
}

}  // namespace

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
  DeleteSummaries(connection, user, session, 0, 0);
  ForgetUserWithoutTurns(connection, user);
  AskForPurge(connection);
  return deleted;
}

std::optional<std::chrono::milliseconds> Purge(Connection& connection) {
  constexpr std::chrono::milliseconds kUntilReadersHaveEnded{20};
  SQLite::Database& database = connection.database();
  bool vacuumed = false;
  {
    Query asked = connection.Prepare("SELECT vacuumed FROM purges");
    if (!asked->executeStep()) return std::nullopt;
    vacuumed = asked->getColumn(0).getInt() != 0;
  }
  if (!vacuumed) {
    database.exec("VACUUM");
    connection.Prepare("UPDATE purges SET vacuumed = 1")->exec();
  }
  sqlite3_busy_timeout(database.getHandle(), 0);
  const bool busy = database.execAndGet("PRAGMA wal_checkpoint(TRUNCATE)").getInt() != 0;
  sqlite3_busy_timeout(database.getHandle(), storage::kBusyMs);
  if (busy) return kUntilReadersHaveEnded;
  connection.Prepare("DELETE FROM purges")->exec();
  return std::nullopt;
}

}  // namespace luna::memory
