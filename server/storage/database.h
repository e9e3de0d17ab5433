#pragma once

#include <functional>
#include <string>

#include <absl/status/status.h>
#include <boost/asio/awaitable.hpp>

#include "server/storage/worker.h"

namespace luna::storage {

// luna.db, with the threads that work on it. One object for the whole server.
struct Database {
  // Of a file that Prepare has made ready. `on_damage` is called when it is found damaged, from any
  // thread. Throws SQLite::Exception.
  Database(const std::string& file, const std::function<void()>& on_damage);

  // Resumes once nothing of what was deleted before is left in the files.
  boost::asio::awaitable<absl::Status> Settle();

  Worker answers;  // reads what an answer waits for; apart from:
  Worker queries;  // reads what may take long
  Worker writer;   // writes everything
};

}  // namespace luna::storage
