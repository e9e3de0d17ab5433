#include "server/cache/answers.h"

#include <absl/strings/str_format.h>

#include "server/base/sha256.h"
#include "server/storage/purge.h"
#include "server/storage/rows.h"

namespace luna::cache {

using storage::Connection;
using storage::Query;

namespace {

constexpr int kOldOnesAtOnce = 100;

std::string Blob(const SQLite::Column& column) {
  return std::string(static_cast<const char*>(column.getBlob()),
                     static_cast<std::size_t>(column.getBytes()));
}

void Bind(SQLite::Statement& statement, int index, const std::string& blob) {
  statement.bind(index, blob.data(), static_cast<int>(blob.size()));
}

// So that neither a changed answer nor one under another's key is given.
std::string Checksum(const std::string& key, const std::string& answer) {
  return Sha256(key + answer);
}

// The newest moment of those that are too old.
std::int64_t TooOld(const config::Cache& options, std::int64_t now) {
  return now - std::int64_t{options.ttl_seconds} * 1'000'000;
}

}  // namespace

Found Find(Connection& connection, const std::string& user, const std::string& key,
           const config::Cache& options, std::int64_t now) {
  Found found;
  Query row =
      connection.Prepare("SELECT answer, checksum FROM cached_answers WHERE user = " USER_OF(
          "?1") " AND key = ?2 AND saved_at > ?3 AND saved_at <= ?4");
  row->bind(1, user);
  Bind(*row, 2, key);
  row->bind(3, TooOld(options, now));
  row->bind(4, now);
  if (!row->executeStep()) return found;
  const std::string answer = Blob(row->getColumn(0));
  v1::Complete& complete = found.answer.emplace();
  found.damaged =
      Blob(row->getColumn(1)) != Checksum(key, answer) || !complete.ParseFromString(answer);
  if (found.damaged) found.answer.reset();
  return found;
}

void Keep(Connection& connection, const std::string& user, const std::string& key,
          const v1::Complete& answer, const config::Cache& options, std::int64_t now) {
  const std::int64_t number = storage::UserNumber(connection, user);
  const std::string bytes = answer.SerializeAsString();
  Query keep = connection.Prepare(
      "INSERT OR REPLACE INTO cached_answers (user, key, saved_at, used, answer, checksum) VALUES "
      "(?1, ?2, ?3, (SELECT coalesce(max(used), 0) + 1 FROM cached_answers WHERE user = ?1), ?4, "
      "?5)");
  keep->bind(1, number);
  Bind(*keep, 2, key);
  keep->bind(3, now);
  Bind(*keep, 4, bytes);
  Bind(*keep, 5, Checksum(key, bytes));
  keep->exec();

  Query count = connection.Prepare("UPDATE users SET cache_saves = cache_saves + 1 WHERE id = ?1");
  count->bind(1, number);
  count->exec();

  Query least_used = connection.Prepare(
      "DELETE FROM cached_answers WHERE id IN (SELECT id FROM cached_answers WHERE user = ?1 "
      "ORDER BY used DESC LIMIT -1 OFFSET ?2)");
  least_used->bind(1, number);
  least_used->bind(2, options.max_size);
  least_used->exec();

  Query old = connection.Prepare(
      "DELETE FROM cached_answers WHERE id IN (SELECT id FROM cached_answers WHERE saved_at <= ?1 "
      "LIMIT ?2)");
  old->bind(1, TooOld(options, now));
  old->bind(2, kOldOnesAtOnce);
  old->exec();
}

bool IsKept(Connection& connection, const std::string& user, const std::string& key) {
  Query row = connection.Prepare(
      "SELECT 1 FROM cached_answers WHERE user = " USER_OF("?1") " AND key = ?2");
  row->bind(1, user);
  Bind(*row, 2, key);
  return row->executeStep();
}

void Use(Connection& connection, const std::string& user, const std::string& key) {
  Query use = connection.Prepare(
      "UPDATE cached_answers SET used = (SELECT max(used) + 1 FROM cached_answers WHERE user = "
      "u.id) FROM users u WHERE u.name = ?1 AND user = u.id AND key = ?2");
  use->bind(1, user);
  Bind(*use, 2, key);
  use->exec();
}

void Count(Connection& connection, const std::string& user, int hits, int misses) {
  Query count = connection.Prepare(
      "UPDATE users SET cache_hits = cache_hits + ?2, cache_misses = cache_misses + ?3 WHERE id = "
      "?1");
  count->bind(1, storage::UserNumber(connection, user));
  count->bind(2, hits);
  count->bind(3, misses);
  count->exec();
}

v1::GetCacheStatsResponse ReadStats(Connection& connection, const std::string& user,
                                    const config::Cache& options, std::int64_t now) {
  v1::GetCacheStatsResponse stats;
  Query counts =
      connection.Prepare("SELECT cache_hits, cache_misses, cache_saves FROM users WHERE name = ?1");
  counts->bind(1, user);
  if (counts->executeStep()) {
    stats.set_hits(counts->getColumn(0).getInt());
    stats.set_misses(counts->getColumn(1).getInt());
    stats.set_saves(counts->getColumn(2).getInt());
  }
  const double asked = static_cast<double>(stats.hits()) + stats.misses();
  stats.set_hit_rate(absl::StrFormat("%.1f%%", asked > 0 ? 100 * stats.hits() / asked : 0.0));

  Query cached = connection.Prepare("SELECT count(*) FROM cached_answers WHERE user = " USER_OF(
      "?1") " AND saved_at > ?2 AND saved_at <= ?3");
  cached->bind(1, user);
  cached->bind(2, TooOld(options, now));
  cached->bind(3, now);
  cached->executeStep();
  stats.set_total_cached(cached->getColumn(0).getInt());
  stats.set_max_size(options.max_size);
  stats.set_ttl_seconds(options.ttl_seconds);
  return stats;
}

void Delete(Connection& connection, const std::string& user, const std::string& key) {
  Query row =
      connection.Prepare("DELETE FROM cached_answers WHERE user = " USER_OF("?1") " AND key = ?2");
  row->bind(1, user);
  Bind(*row, 2, key);
  row->exec();
}

int DeleteOld(Connection& connection, const std::string& user, const config::Cache& options,
              std::int64_t now) {
  Query rows = connection.Prepare("DELETE FROM cached_answers WHERE user = " USER_OF(
      "?1") " AND (saved_at <= ?2 OR saved_at > ?3)");
  rows->bind(1, user);
  rows->bind(2, TooOld(options, now));
  rows->bind(3, now);
  return rows->exec();
}

int DeleteAll(Connection& connection, const std::string& user) {
  Query rows = connection.Prepare("DELETE FROM cached_answers WHERE user = " USER_OF("?1"));
  rows->bind(1, user);
  const int deleted = rows->exec();
  const bool forgotten = storage::ForgetUserWithNothing(connection, user);
  if (deleted > 0 || forgotten) storage::AskForPurge(connection);
  return deleted;
}

void ForgetCounts(Connection& connection, const std::string& user) {
  Query forget = connection.Prepare(
      "UPDATE users SET cache_hits = 0, cache_misses = 0, cache_saves = 0 WHERE name = ?1");
  forget->bind(1, user);
  forget->exec();
}

}  // namespace luna::cache
