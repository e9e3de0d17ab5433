#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/memory.pb.h"
#include "server/config/config.h"
#include "server/memory/turns.h"
#include "server/storage/worker.h"

namespace luna {

// The memory of all users, in one SQLite database. One object for the whole server; its functions
// may be called on any event loop, and resume there. They fail with STORAGE_UNAVAILABLE where
// SQLite does, and with DEADLINE_EXCEEDED where it takes too long; the coroutine's cancellation
// ends the waiting.
class ConversationMemory {
 public:
  // How long an answer waits for its memory.
  static constexpr std::chrono::milliseconds kLongestWait{500};

  // On a database that storage::Prepare has made ready. `on_damage` is called when it is found
  // damaged, from any thread. Throws SQLite::Exception.
  ConversationMemory(config::Memory options, const std::string& database,
                     std::function<void()> on_damage);

  // What the model is to know of a session before it answers.
  boost::asio::awaitable<absl::StatusOr<memory::Context>> Recall(std::string user,
                                                                 std::string session);

  // Keeps a finished turn; it is on the disk when it resumes with OK.
  boost::asio::awaitable<absl::Status> Remember(v1::Conversation turn);

  // Runs `query` (turns.h) beside everything else, and resumes with what it returned.
  template <class Query>
  auto Read(Query query) {
    return queries_.Do(net::kForever, std::move(query));
  }

  // Runs `change`, and resumes with what it returned once that is on the disk.
  template <class ChangeTurns>
  auto Change(ChangeTurns change) {
    return writer_.Do(net::kForever, std::move(change));
  }

  // memory::Import: all of the lines, or none.
  boost::asio::awaitable<absl::StatusOr<v1::ImportResponse>> Import(
      std::string user, std::vector<v1::ExportResponse> lines);

  // Resumes once nothing of what was deleted before is left in the files.
  boost::asio::awaitable<absl::Status> Settle();

 private:
  const config::Memory options_;
  storage::Worker contexts_;  // apart from queries_, which may take long
  storage::Worker queries_;
  storage::Worker writer_;
};

}  // namespace luna
