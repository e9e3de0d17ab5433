#include "server/storage/purge.h"

#include <sqlite3.h>

namespace luna::storage {

void AskForPurge(Connection& connection) {
  connection.Prepare("INSERT OR REPLACE INTO purges (id, vacuumed) VALUES (1, 0)")->exec();
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
  sqlite3_busy_timeout(database.getHandle(), kBusyMs);
  if (busy) return kUntilReadersHaveEnded;
  connection.Prepare("DELETE FROM purges")->exec();
  return std::nullopt;
}

}  // namespace luna::storage
