#include "server/memory/conversation_memory.h"

#include "server/memory/transfer.h"

namespace luna {

using storage::Connection;

namespace {

using SharedContext = std::shared_ptr<const memory::Context>;

std::size_t BytesOf(const memory::Context& context) {
  std::size_t bytes = sizeof(context) + context.summary.size();
  for (const memory::Told& turn : context.turns) {
    bytes += sizeof(turn) + turn.input.size() + turn.translation.size() + turn.answer.size();
  }
  return bytes;
}

}  // namespace

boost::asio::awaitable<absl::StatusOr<memory::Recollection>> ConversationMemory::Recall(
    std::string user, std::string session, std::optional<std::string> repeated) {
  const auto known = contexts_.Find(memory::SessionKey(user, session));
  if (known && !(repeated && memory::MayRepeat(*repeated, **known))) {
    co_return memory::Recollection{**known, {}};
  }
  auto recall = [this, user = std::move(user), session = std::move(session),
                 repeated = std::move(repeated)](Connection& connection) {
    if (repeated) return memory::Recall(connection, user, session, *repeated, options_);
    return memory::Recollection{memory::ReadContext(connection, user, session, options_), {}};
  };
  co_return co_await database_.answers.Do(net::Clock::now() + kLongestWait, std::move(recall));
}

boost::asio::awaitable<absl::Status> ConversationMemory::Remember(
    v1::Conversation turn, std::function<bool(Connection&)> holds) {
  std::string key = memory::SessionKey(turn.user_id(), turn.session_id());
  auto insert = [this, turn = std::move(turn),
                 holds = std::move(holds)](Connection& connection) -> SharedContext {
    if (holds && !holds(connection)) return nullptr;
    memory::Insert(connection, turn, options_);
    return std::make_shared<const memory::Context>(
        memory::ReadContext(connection, turn.user_id(), turn.session_id(), options_));
  };
  auto keep_context = [this, key = std::move(key)](const SharedContext* context) {
    // A full memory forgets turns of other sessions, too.
    if (context == nullptr || options_.max_entries > 0) contexts_.Clear();
    if (context != nullptr && *context) contexts_.Keep(key, *context, BytesOf(**context));
  };
  const absl::StatusOr<SharedContext> kept = co_await database_.writer.DoEvenLate(
      net::Clock::now() + kLongestWait, std::move(insert), std::move(keep_context));
  if (!kept.ok()) co_return kept.status();
  if (*kept == nullptr) co_return absl::AbortedError("it repeats what has been deleted");
  co_return absl::OkStatus();
}

boost::asio::awaitable<absl::StatusOr<v1::ImportResponse>> ConversationMemory::Import(
    std::string user, std::vector<v1::ExportResponse> lines) {
  return Change([this, user = std::move(user), lines = std::move(lines)](Connection& connection) {
    return memory::Import(connection, user, lines, options_);
  });
}

}  // namespace luna
