#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/memory.pb.h"
#include "server/base/lru_cache.h"
#include "server/config/config.h"
#include "server/memory/turns.h"
#include "server/storage/database.h"

namespace luna {

// The memory of all users, in one SQLite database. One object for the whole server; its functions
// may be called on any event loop, and resume there. They fail with STORAGE_UNAVAILABLE where
// SQLite does, and with DEADLINE_EXCEEDED where it takes too long; the coroutine's cancellation
// ends the waiting.
class ConversationMemory {
 public:
  // How long an answer waits for its memory.
  static constexpr std::chrono::milliseconds kLongestWait{500};

  // The threads of `database` use this, too: they end before it goes.
  ConversationMemory(config::Memory options, storage::Database& database)
      : options_(std::move(options)), database_(database) {}

  // What the model is to know of a session before it answers, and where `repeated` is given, what
  // that was before the last turns that said it (memory::Recall).
  boost::asio::awaitable<absl::StatusOr<memory::Recollection>> Recall(
      std::string user, std::string session, std::optional<std::string> repeated);

  // Keeps a finished turn; it is on the disk when it resumes with OK. `holds` is called in the same
  // transaction: where it is false the turn repeats what has been deleted meanwhile, is not kept,
  // and it fails with kAborted. Upon DEADLINE_EXCEEDED, and after a cancellation, it is kept once
  // the writer comes to it.
  boost::asio::awaitable<absl::Status> Remember(
      v1::Conversation turn, std::function<bool(storage::Connection&)> holds = nullptr);

  // Runs `query` (turns.h) beside everything else, and resumes with what it returned.
  template <class Query>
  auto Read(Query query) {
    return database_.queries.Do(net::kForever, std::move(query));
  }

  // Runs `change`, and resumes with what it returned once that is on the disk.
  template <class ChangeTurns>
  auto Change(ChangeTurns change) {
    auto forget_contexts = [this](const auto*) { contexts_.Clear(); };
    return database_.writer.Do(net::kForever, std::move(change), std::move(forget_contexts));
  }

  // memory::Import: all of the lines, or none.
  boost::asio::awaitable<absl::StatusOr<v1::ImportResponse>> Import(
      std::string user, std::vector<v1::ExportResponse> lines);

  // Resumes once nothing of what was deleted before is left in the files.
  boost::asio::awaitable<absl::Status> Settle() { return database_.Settle(); }

 private:
  static constexpr std::size_t kContextBytes = 8 << 20;

  const config::Memory options_;
  storage::Database& database_;
  // Of the sessions that were talked in last, as a turn's commit left them, so that the next turn
  // need not wait for a reader. Whatever else may change a context clears all of it. Written on
  // the writer's thread alone, in the order of commits.
  LruCache<std::shared_ptr<const memory::Context>> contexts_{kContextBytes};
};

}  // namespace luna
