#include "server/storage/schema.h"

#include <SQLiteCpp/Transaction.h>

#include <iterator>
#include <string>

#include <absl/strings/str_cat.h>

namespace luna::storage {
namespace {

// What leads from version i to i + 1. What is here has run on somebody's machine: it is never
// changed, the next version is added behind it. Times are in microseconds since 1970, UTC.
constexpr const char* kMigrations[] = {
    R"sql(
CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE turns (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user INTEGER NOT NULL,
  session TEXT NOT NULL,
  ended_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  input TEXT NOT NULL,
  answer TEXT NOT NULL,
  emotion TEXT NOT NULL,
  model TEXT NOT NULL,
  mode TEXT NOT NULL,
  processing_us INTEGER NOT NULL,
  cached INTEGER NOT NULL,
  finish_reason TEXT NOT NULL,
  tokens INTEGER NOT NULL
) STRICT;
CREATE INDEX turns_of_session ON turns (user, session, ended_at, id);
CREATE INDEX turns_of_user ON turns (user, ended_at, id);

CREATE TABLE summaries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user INTEGER NOT NULL,
  session TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  content TEXT NOT NULL,
  turns INTEGER NOT NULL,
  through_ended_at INTEGER NOT NULL,
  through_id INTEGER NOT NULL
) STRICT;
CREATE INDEX summaries_of_session ON summaries (user, session, id);

-- One row while deleted text may still be in the files.
CREATE TABLE purges (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  vacuumed INTEGER NOT NULL
) STRICT;
)sql",
    R"sql(
ALTER TABLE users ADD COLUMN cache_hits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN cache_misses INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN cache_saves INTEGER NOT NULL DEFAULT 0;

CREATE TABLE cached_answers (
  id INTEGER PRIMARY KEY,
  user INTEGER NOT NULL,
  key BLOB NOT NULL,
  saved_at INTEGER NOT NULL,
  used INTEGER NOT NULL, -- the larger, the later
  answer BLOB NOT NULL,
  checksum BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX cached_answers_by_key ON cached_answers (user, key);
CREATE INDEX cached_answers_by_use ON cached_answers (user, used);
CREATE INDEX cached_answers_by_age ON cached_answers (saved_at);
)sql",
    // What the model read in place of the input; empty where it read that.
    "ALTER TABLE turns ADD COLUMN translation TEXT NOT NULL DEFAULT ''",
};

}  // namespace

const int kSchemaVersion = std::size(kMigrations);

absl::Status Migrate(SQLite::Database& database, int version) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  const int present = database.execAndGet("PRAGMA user_version").getInt();
  if (present > kSchemaVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("data_dir: ", database.getFilename(), " is of a newer luna (version ", present,
                     "; this one reads up to ", kSchemaVersion, ")"));
  }
  for (int i = present; i < version; ++i) database.exec(kMigrations[i]);
  database.exec("PRAGMA user_version = " + std::to_string(version));
  transaction.commit();
  return absl::OkStatus();
}

}  // namespace luna::storage
