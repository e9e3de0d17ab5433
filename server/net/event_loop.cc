#include "server/net/event_loop.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace luna::net {

EventLoop::EventLoop() : work_(asio::make_work_guard(context_)) {}

EventLoop::~EventLoop() { Join(); }

void EventLoop::Start() {
  thread_ = std::thread([this] { context_.run(); });
}

void EventLoop::Join() {
  work_.reset();
  if (thread_.joinable()) thread_.join();
}

asio::awaitable<bool> Signal::Wait(TimePoint until) {
  if (!notified_) {
    waiting_ = true;
    timer_.expires_at(until);
    auto [error] = co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    waiting_ = false;
    const bool cancelled = error == asio::error::operation_aborted && !notified_;
    if (cancelled) throw boost::system::system_error(error);
  }
  co_return std::exchange(notified_, false);
}

void Signal::Notify() {
  notified_ = true;
  if (waiting_) timer_.cancel();
}

}  // namespace luna::net
