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

-- The index knows each row's user, so that a search never leaves what is his.
CREATE VIEW searched_turns AS SELECT id, 'u' || user AS owner, input, answer FROM turns;
CREATE VIRTUAL TABLE turn_search USING fts5 (
  owner, input, answer, content = 'searched_turns', content_rowid = 'id', tokenize = 'luna'
);
CREATE TRIGGER turns_inserted AFTER INSERT ON turns BEGIN
  INSERT INTO turn_search (rowid, owner, input, answer)
  VALUES (new.id, 'u' || new.user, new.input, new.answer);
END;
CREATE TRIGGER turns_deleted AFTER DELETE ON turns BEGIN
  INSERT INTO turn_search (turn_search, rowid, owner, input, answer)
  VALUES ('delete', old.id, 'u' || old.user, old.input, old.answer);
END;

-- A search index of two segments is merged as soon as somebody asks.
INSERT INTO turn_search (turn_search, rank) VALUES ('usermerge', 2);

-- One row while deleted text may still be in the files.
CREATE TABLE purges (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  begun INTEGER NOT NULL
) STRICT;
)sql",
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
