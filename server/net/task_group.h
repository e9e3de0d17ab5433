#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "server/net/event_loop.h"

namespace luna::net {

// Work that outlives the request that began it. From any thread.
class TaskGroup {
 public:
  // So much at once, and no more.
  explicit TaskGroup(std::size_t most) : most_(most) {}
  ~TaskGroup() { Stop(); }

  // Runs `work` on `executor`, unless work of the same `key` is under way, or as much as there may
  // be, or Stop was called before. What it throws is a bug that ends the program, but for a
  // cancellation.
  void Spawn(const asio::any_io_executor& executor, std::string key, asio::awaitable<void> work);

  // Cancels all work and returns once it has ended. The loops must still run.
  void Stop();

 private:
  struct Task {
    asio::any_io_executor executor;
    asio::cancellation_signal cancel;
  };

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::map<std::string, std::shared_ptr<Task>> tasks_;
  bool stopping_ = false;
};

}  // namespace luna::net
