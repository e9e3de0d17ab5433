#include "server/storage/database.h"

#include "server/storage/purge.h"

namespace luna::storage {

Database::Database(const std::string& file, const std::function<void()>& on_damage)
    : answers(file, Worker::Kind::kReader, on_damage),
      queries(file, Worker::Kind::kReader, on_damage),
      writer(file, Worker::Kind::kWriter, on_damage, Purge) {}

boost::asio::awaitable<absl::Status> Database::Settle() {
  auto nothing = [](Connection&) { return true; };
  const absl::StatusOr<bool> settled = co_await writer.DoAndSettle(net::kForever, nothing);
  co_return settled.status();
}

}  // namespace luna::storage
