#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/cache.pb.h"
#include "luna/v1/interaction.pb.h"
#include "server/config/config.h"
#include "server/storage/database.h"
#include "server/storage/rows.h"
#include "server/telemetry/metrics.h"

namespace luna {

// Finished answers, to be given again to whoever asked the same: at most `cache.max_size` of each
// user, the least recently used leave first, none older than `cache.ttl_seconds`. They lie in
// luna.db and outlive the server. One object for the whole server; its functions may be called on
// any event loop, and resume there. They fail with STORAGE_UNAVAILABLE where SQLite does; the
// coroutine's cancellation ends the waiting. With `max_size: 0` nothing is found, counted or kept.
class ResponseCache {
 public:
  // How long an answer waits for Get, and for Put; then they fail with DEADLINE_EXCEEDED.
  static constexpr std::chrono::milliseconds kLongestWait{500};

  // Microseconds since 1970, of the wall clock, since an answer's age outlives the server.
  using Now = std::function<std::int64_t()>;

  // All must outlive this.
  ResponseCache(config::Cache options, storage::Database& database, telemetry::Metrics& metrics,
                Now now = storage::NowMicroseconds);

  // What Put kept of `user` under `key`, 32 bytes (interaction/answer_key.h); nothing where there
  // is none, it is too old, or it is damaged, in which case it is deleted. Counts as a hit or a
  // miss.
  boost::asio::awaitable<absl::StatusOr<std::optional<v1::Complete>>> Get(std::string user,
                                                                          std::string key);

  // Whether it is still there, to be asked by who writes down that it was given: what the user has
  // deleted is not to come back.
  std::function<bool(storage::Connection&)> StillKept(std::string user, std::string key) const;

  // Keeps a whole answer that ended with STOP: its text, finish reason, usage, model and target. It
  // is on the disk, and found, when this resumes with OK. `holds` is called in the same
  // transaction: where it is false what the answer was made from has been deleted meanwhile, and
  // nothing is kept.
  boost::asio::awaitable<absl::Status> Put(
      std::string user, std::string key, v1::Complete answer,
      std::function<bool(storage::Connection&)> holds = nullptr);

  // What the user has asked of the cache since it was last cleared, and what it holds.
  boost::asio::awaitable<absl::StatusOr<v1::GetCacheStatsResponse>> Stats(std::string user);

  // Deletes the user's answers that are too old. Resumes with how many.
  boost::asio::awaitable<absl::StatusOr<int>> CleanUp(std::string user);

  // Deletes all of the user's answers, and what was counted. Resumes with how many answers, once
  // nothing of them is left in the files.
  boost::asio::awaitable<absl::StatusOr<int>> Clear(std::string user);

 private:
  class Uses;

  const config::Cache options_;
  storage::Database& database_;
  telemetry::Metrics& metrics_;
  const Now now_;
  const std::shared_ptr<Uses> uses_;  // the writer may be the last to see it
};

}  // namespace luna
