#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include <absl/status/status.h>

namespace luna::storage {

// How long a writer waits for another process's, in milliseconds; there is none but a tool's.
inline constexpr int kBusyMs = 5000;

struct EndQuery {
  void operator()(SQLite::Statement* statement) const {
    statement->tryReset();
    statement->clearBindings();
  }
};
// A prepared statement in use.
using Query = std::unique_ptr<SQLite::Statement, EndQuery>;

// A connection to luna.db with its prepared statements. For one thread at a time. Everything throws
// SQLite::Exception where SQLite fails.
class Connection {
 public:
  // Write-ahead log; a commit is on the disk when it returns (synchronous=FULL); what is deleted is
  // overwritten (secure_delete).
  explicit Connection(const std::string& file);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  SQLite::Database& database() { return database_; }

  // The statement of a string literal, prepared once, with nothing bound. To be gone before the
  // same one is asked for again.
  Query Prepare(const char* sql);

  // What runs is interrupted, and throws, once `stop` says so, which is asked every now and then;
  // nullptr: it runs to its end.
  void StopWhen(std::function<bool()> stop);

 private:
  SQLite::Database database_;
  std::unordered_map<const char*, std::unique_ptr<SQLite::Statement>> statements_;
  std::function<bool()> stop_;
};

// Makes `file` ready for connections: creates it, or brings its schema up to date. One that is
// damaged is set aside under a name that the log tells, and a new one begun. `thorough`: all of it
// is read to find damage. FAILED_PRECONDITION where it is of a newer luna.
absl::Status Prepare(const std::string& file, bool thorough);

// The file holds what SQLite cannot have written.
bool IsDamage(const SQLite::Exception& error);

// What an exception of SQLite's says, as STORAGE_UNAVAILABLE. It quotes nothing that was stored.
absl::Status AsStatus(const SQLite::Exception& error);

}  // namespace luna::storage
