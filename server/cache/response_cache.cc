#include "server/cache/response_cache.h"

#include <map>
#include <mutex>
#include <utility>

#include <spdlog/spdlog.h>

#include "server/cache/answers.h"

namespace luna {

namespace asio = boost::asio;
using net::Clock;
using net::kForever;
using storage::Connection;

// What Get has found and the writer has yet to write: one work of its at a time, whatever the rate,
// so that what waits is bounded by how many answers are asked for meanwhile. From any thread.
class ResponseCache::Uses {
 public:
  // True: nothing waited before, so that Write has to be called.
  bool Add(std::string user, std::string key, const cache::Found& found) {
    const std::lock_guard lock(mutex_);
    const bool first = waiting_.empty();
    Use& use = waiting_[{std::move(user), std::move(key)}];
    (found.answer ? use.hits : use.misses) += 1;
    use.damaged |= found.damaged;
    return first;
  }

  void Write(Connection& connection) {
    for (const auto& [whose, use] : Take()) {
      const auto& [user, key] = whose;
      if (use.damaged) cache::Delete(connection, user, key);
      cache::Count(connection, user, use.hits, use.misses);
      if (use.hits > 0) cache::Use(connection, user, key);
    }
  }

 private:
  struct Use {
    int hits = 0;
    int misses = 0;
    bool damaged = false;
  };
  using Waiting = std::map<std::pair<std::string, std::string>, Use>;

  Waiting Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(waiting_, {});
  }

  std::mutex mutex_;
  Waiting waiting_;
};

ResponseCache::ResponseCache(config::Cache options, storage::Database& database,
                             telemetry::Metrics& metrics, Now now)
    : options_(std::move(options)),
      database_(database),
      metrics_(metrics),
      now_(std::move(now)),
      uses_(std::make_shared<Uses>()) {}

asio::awaitable<absl::StatusOr<std::optional<v1::Complete>>> ResponseCache::Get(std::string user,
                                                                                std::string key) {
  if (options_.max_size == 0) co_return std::optional<v1::Complete>();
  auto find = [this, user, key](Connection& connection) {
    return cache::Find(connection, user, key, options_, now_());
  };
  absl::StatusOr<cache::Found> found =
      co_await database_.answers.Do(Clock::now() + kLongestWait, std::move(find));
  if (!found.ok()) co_return found.status();
  metrics_.CacheAsked(found->answer.has_value());
  if (found->damaged) spdlog::warn("a cached answer is damaged; it is deleted");
  if (uses_->Add(std::move(user), std::move(key), *found)) {
    database_.writer.Post([uses = uses_](Connection& connection) { uses->Write(connection); });
  }
  co_return std::move(found->answer);
}

std::function<bool(Connection&)> ResponseCache::StillKept(std::string user, std::string key) const {
  return [user = std::move(user), key = std::move(key)](Connection& connection) {
    return cache::IsKept(connection, user, key);
  };
}

asio::awaitable<absl::Status> ResponseCache::Put(std::string user, std::string key,
                                                 v1::Complete answer,
                                                 std::function<bool(Connection&)> holds) {
  if (options_.max_size == 0) co_return absl::OkStatus();
  auto keep = [this, user = std::move(user), key = std::move(key), answer = std::move(answer),
               holds = std::move(holds)](Connection& connection) {
    if (holds && !holds(connection)) return false;
    cache::Keep(connection, user, key, answer, options_, now_());
    return true;
  };
  const absl::StatusOr<bool> kept =
      co_await database_.writer.Do(Clock::now() + kLongestWait, std::move(keep));
  co_return kept.status();
}

// By the writer, which has then done all that Get and Put gave it before.
asio::awaitable<absl::StatusOr<v1::GetCacheStatsResponse>> ResponseCache::Stats(std::string user) {
  auto read = [this, user = std::move(user)](Connection& connection) {
    return cache::ReadStats(connection, user, options_, now_());
  };
  return database_.writer.Do(kForever, std::move(read));
}

asio::awaitable<absl::StatusOr<int>> ResponseCache::CleanUp(std::string user) {
  auto clean = [this, user = std::move(user)](Connection& connection) {
    return cache::DeleteOld(connection, user, options_, now_());
  };
  return database_.writer.Do(kForever, std::move(clean));
}

asio::awaitable<absl::StatusOr<int>> ResponseCache::Clear(std::string user) {
  auto clear = [user = std::move(user)](Connection& connection) {
    cache::ForgetCounts(connection, user);
    return cache::DeleteAll(connection, user);
  };
  return database_.writer.DoAndSettle(kForever, std::move(clear));
}

}  // namespace luna
