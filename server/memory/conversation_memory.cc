#include "server/memory/conversation_memory.h"

#include "server/memory/deletion.h"
#include "server/memory/transfer.h"

namespace luna {

using storage::Connection;
using storage::Worker;

ConversationMemory::ConversationMemory(config::Memory options, const std::string& database,
                                       std::function<void()> on_damage)
    : options_(std::move(options)),
      contexts_(database, Worker::Kind::kReader, on_damage),
      queries_(database, Worker::Kind::kReader, on_damage),
      writer_(database, Worker::Kind::kWriter, on_damage, memory::Purge) {}

boost::asio::awaitable<absl::StatusOr<memory::Context>> ConversationMemory::Recall(
    std::string user, std::string session) {
  return contexts_.Do(
      net::Clock::now() + kLongestWait,
      [this, user = std::move(user), session = std::move(session)](Connection& connection) {
        return memory::ReadContext(connection, user, session, options_);
      });
}

boost::asio::awaitable<absl::Status> ConversationMemory::Remember(v1::Conversation turn) {
  auto insert = [this, turn = std::move(turn)](Connection& connection) {
    return memory::Insert(connection, turn, options_);
  };
  const absl::StatusOr<int> id =
      co_await writer_.Do(net::Clock::now() + kLongestWait, std::move(insert));
  co_return id.status();
}

boost::asio::awaitable<absl::StatusOr<v1::ImportResponse>> ConversationMemory::Import(
    std::string user, std::vector<v1::ExportResponse> lines) {
  return Change([this, user = std::move(user), lines = std::move(lines)](Connection& connection) {
    return memory::Import(connection, user, lines, options_);
  });
}

boost::asio::awaitable<absl::Status> ConversationMemory::Settle() {
  auto nothing = [](Connection&) { return true; };
  const absl::StatusOr<bool> settled = co_await writer_.DoAndSettle(net::kForever, nothing);
  co_return settled.status();
}

}  // namespace luna
