#pragma once

#include <chrono>
#include <thread>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace luna::net {

namespace asio = boost::asio;

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
inline constexpr TimePoint kForever = TimePoint::max();

// One thread that runs one io_context. What belongs to a loop (connections, curl handles, the
// coroutines of a request) is touched from its thread alone, so none of it is locked.
class EventLoop {
 public:
  EventLoop();
  ~EventLoop();

  void Start();
  // Returns once the loop has nothing left to do: whoever uses it ends what he started first.
  // From any thread but its own.
  void Join();

  asio::io_context& context() { return context_; }

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

// Wakes one coroutine. Loop thread only.
class Signal {
 public:
  explicit Signal(asio::io_context& context) : timer_(context) {}
  explicit Signal(const asio::any_io_executor& executor) : timer_(executor) {}

  // Resumes after Notify, at once if Notify came before, or when `until` has passed: then false.
  // One waiter at a time. Cancelled by the coroutine's cancellation slot, which throws
  // system_error(operation_aborted).
  asio::awaitable<bool> Wait(TimePoint until);
  void Notify();

 private:
  asio::steady_timer timer_;
  bool notified_ = false;
  bool waiting_ = false;
};

}  // namespace luna::net
