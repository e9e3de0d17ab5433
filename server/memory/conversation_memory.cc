#include "server/memory/conversation_memory.h"

#include "server/memory/transfer.h"

namespace luna {

using storage::Connection;

boost::asio::awaitable<absl::StatusOr<memory::Recollection>> ConversationMemory::Recall(
    std::string user, std::string session, std::optional<std::string> repeated) {
  auto recall = [this, user = std::move(user), session = std::move(session),
                 repeated = std::move(repeated)](Connection& connection) {
    if (repeated) return memory::Recall(connection, user, session, *repeated, options_);
    return memory::Recollection{memory::ReadContext(connection, user, session, options_), {}};
  };
  return database_.answers.Do(net::Clock::now() + kLongestWait, std::move(recall));
}

boost::asio::awaitable<absl::Status> ConversationMemory::Remember(
    v1::Conversation turn, std::function<bool(Connection&)> holds) {
  auto insert = [this, turn = std::move(turn), holds = std::move(holds)](Connection& connection) {
    if (holds && !holds(connection)) return false;
    memory::Insert(connection, turn, options_);
    return true;
  };
  const absl::StatusOr<bool> kept =
      co_await database_.writer.DoEvenLate(net::Clock::now() + kLongestWait, std::move(insert));
  if (!kept.ok()) co_return kept.status();
  if (!*kept) co_return absl::AbortedError("it repeats what has been deleted");
  co_return absl::OkStatus();
}

boost::asio::awaitable<absl::StatusOr<v1::ImportResponse>> ConversationMemory::Import(
    std::string user, std::vector<v1::ExportResponse> lines) {
  return Change([this, user = std::move(user), lines = std::move(lines)](Connection& connection) {
    return memory::Import(connection, user, lines, options_);
  });
}

}  // namespace luna
