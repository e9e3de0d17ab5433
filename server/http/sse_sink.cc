#include "server/http/sse_sink.h"

#include <utility>

#include <absl/strings/str_cat.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include "server/http/json.h"

namespace luna::http {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMostPending = 64 << 10;

asio::io_context& ContextOf(asio::ip::tcp::socket& socket) {
  return static_cast<asio::io_context&>(socket.get_executor().context());
}

}  // namespace

SseSink::SseSink(asio::ip::tcp::socket& socket, Options options)
    : socket_(&socket),
      options_(std::move(options)),
      heartbeat_(ContextOf(socket)),
      written_(ContextOf(socket)) {}

void SseSink::Start() { Beat(options_.headers_at_latest); }

void SseSink::Put(const v1::InteractResponse& event) {
  AppendHeaders();
  frame_.clear();
  AppendSseFrame(event, options_.details, frame_);
  Append(frame_);
  ScheduleFlush();
}

asio::awaitable<absl::Status> SseSink::Room() { return WaitUntilPending(kMostPending); }

asio::awaitable<absl::Status> SseSink::Finish() {
  heartbeat_.cancel();
  AppendHeaders();
  if (options_.chunked) pending_ += "0\r\n\r\n";
  ScheduleFlush();
  co_return co_await WaitUntilPending(0);
}

void SseSink::Stop() {
  socket_ = nullptr;
  failed_ = true;
  heartbeat_.cancel();
  written_.Notify();
}

asio::awaitable<absl::Status> SseSink::WaitUntilPending(std::size_t most) {
  while (!failed_ && pending_.size() - sent_ > most) {
    const std::size_t before = pending_.size() - sent_;
    const bool woken = co_await written_.Wait(net::Clock::now() + options_.write_timeout);
    if (!woken && pending_.size() - sent_ >= before) failed_ = true;
  }
  if (failed_) co_return absl::CancelledError("the client has gone");
  co_return absl::OkStatus();
}

void SseSink::AppendHeaders() {
  if (std::exchange(started_, true)) return;
  absl::StrAppend(&pending_,
                  "HTTP/1.1 200 OK\r\n"
                  "Content-Type: text/event-stream\r\n"
                  "Cache-Control: no-store, no-transform\r\n"
                  "X-Accel-Buffering: no\r\n",
                  options_.chunked ? "Transfer-Encoding: chunked\r\n" : "",
                  options_.keep_alive ? "" : "Connection: close\r\n", options_.extra_headers,
                  "\r\n");
}

void SseSink::Append(std::string_view bytes) {
  if (options_.chunked) {
    absl::StrAppend(&pending_, absl::Hex(bytes.size()), "\r\n",
                    absl::string_view(bytes.data(), bytes.size()), "\r\n");
  } else {
    pending_ += bytes;
  }
}

// The loop runs the flush once the request's coroutine has nothing more to say for now.
void SseSink::ScheduleFlush() {
  if (std::exchange(flushing_, true)) return;
  asio::post(heartbeat_.get_executor(), [self = shared_from_this()] { self->Flush(); });
}

void SseSink::Flush() {
  if (socket_ == nullptr) return;
  boost::system::error_code error;
  while (sent_ < pending_.size() && !error) {
    sent_ +=
        socket_->write_some(asio::buffer(pending_.data() + sent_, pending_.size() - sent_), error);
  }
  if (error == asio::error::would_block) {
    pending_.erase(0, sent_);
    sent_ = 0;
    socket_->async_wait(asio::ip::tcp::socket::wait_write,
                        [self = shared_from_this()](const boost::system::error_code& aborted) {
                          if (!aborted) self->Flush();
                        });
  } else {
    failed_ = failed_ || error;
    pending_.clear();
    sent_ = 0;
    flushing_ = false;
  }
  written_.Notify();
}

void SseSink::Beat(std::chrono::milliseconds wait) {
  heartbeat_.expires_after(wait);
  heartbeat_.async_wait([self = shared_from_this()](const boost::system::error_code& aborted) {
    if (aborted || self->socket_ == nullptr) return;
    const bool first = !self->started_;
    self->AppendHeaders();
    // One line end: after an empty line clients that saw an id deliver an empty event.
    if (!first && self->pending_.empty()) self->Append(":\n");
    self->ScheduleFlush();
    self->Beat(self->options_.heartbeat);
  });
}

}  // namespace luna::http
