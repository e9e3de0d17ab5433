#include "server/storage/rows.h"

#include <chrono>

namespace luna::storage {

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

bool ForgetUserWithNothing(Connection& connection, const std::string& name) {
  Query forget = connection.Prepare(
      "DELETE FROM users WHERE name = ?1 AND id NOT IN (SELECT user FROM turns WHERE user = "
      "users.id) AND id NOT IN (SELECT user FROM summaries WHERE user = users.id) AND id NOT IN "
      "(SELECT user FROM cached_answers WHERE user = users.id)");
  forget->bind(1, name);
  return forget->exec() > 0;
}

std::int64_t NowMicroseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace luna::storage
