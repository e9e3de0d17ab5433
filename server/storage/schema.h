#pragma once

#include <SQLiteCpp/Database.h>

#include <absl/status/status.h>

namespace luna::storage {

// How a database looks now.
extern const int kSchemaVersion;

// Brings a database of any older version, an empty one too, to `version`, all of it or nothing.
// FAILED_PRECONDITION where it is newer than kSchemaVersion. Throws SQLite::Exception.
absl::Status Migrate(SQLite::Database& database, int version = kSchemaVersion);

}  // namespace luna::storage
