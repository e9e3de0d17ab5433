#include "server/storage/connection.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <ctime>
#include <filesystem>
#include <utility>

#include <absl/strings/str_cat.h>
#include <spdlog/spdlog.h>

#include "server/base/error.h"
#include "server/storage/schema.h"

namespace luna::storage {
namespace {

// Throws where the file is damaged.
void LookForDamage(SQLite::Database& database, bool thorough) {
  database.execAndGet("SELECT count(*) FROM sqlite_schema");
  if (!thorough) return;
  const std::string found = database.execAndGet("PRAGMA quick_check(1)").getString();
  if (found != "ok") throw SQLite::Exception(found, SQLITE_CORRUPT);
}

std::string SetAside(const std::string& file) {
  char when[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", std::gmtime(&now));
  std::string aside = absl::StrCat(file, ".damaged-", when);
  for (int i = 2; std::filesystem::exists(aside); ++i) {
    aside = absl::StrCat(file, ".damaged-", when, "-", i);
  }
  for (const char* part : {"", "-wal", "-shm"}) {
    if (std::filesystem::exists(file + part)) std::filesystem::rename(file + part, aside + part);
  }
  return aside;
}

}  // namespace

Connection::Connection(const std::string& file)
    : database_(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX,
                kBusyMs) {
  database_.exec("PRAGMA journal_mode = WAL");
  database_.exec("PRAGMA synchronous = FULL");
  database_.exec("PRAGMA secure_delete = ON");
}

Query Connection::Prepare(const char* sql) {
  std::unique_ptr<SQLite::Statement>& statement = statements_[sql];
  if (statement == nullptr) statement = std::make_unique<SQLite::Statement>(database_, sql);
  return Query(statement.get());
}

void Connection::StopWhen(std::function<bool()> stop) {
  constexpr int kSteps = 1000;  // of SQLite's virtual machine, between two looks
  stop_ = std::move(stop);
  sqlite3_progress_handler(
      database_.getHandle(), stop_ ? kSteps : 0,
      [](void* self) { return static_cast<Connection*>(self)->stop_() ? 1 : 0; }, this);
}

bool IsDamage(const SQLite::Exception& error) {
  return error.getErrorCode() == SQLITE_CORRUPT || error.getErrorCode() == SQLITE_NOTADB;
}

absl::Status AsStatus(const SQLite::Exception& error) {
  return MakeError(ErrorCode::kStorageUnavailable, absl::StrCat("luna.db: ", error.what()));
}

absl::Status Prepare(const std::string& file, bool thorough) {
  for (bool again = true;; again = false) {
    try {
      Connection connection(file);
      chmod(file.c_str(), 0600);
      LookForDamage(connection.database(), thorough);
      return Migrate(connection.database());
    } catch (const SQLite::Exception& error) {
      if (!again || !IsDamage(error)) return AsStatus(error);
      try {
        spdlog::error("data_dir: {} is damaged ({}); it is kept as {}, and a new one is begun",
                      file, error.what(), SetAside(file));
      } catch (const std::filesystem::filesystem_error& failed) {
        return absl::FailedPreconditionError(absl::StrCat(
            "data_dir: ", file, " is damaged, and cannot be set aside: ", failed.what()));
      }
    }
  }
}

}  // namespace luna::storage
