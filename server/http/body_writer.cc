#include "server/http/body_writer.h"

#include <utility>

#include <absl/strings/str_cat.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

namespace luna::http {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMostPending = 64 << 10;

asio::io_context& ContextOf(asio::ip::tcp::socket& socket) {
  return static_cast<asio::io_context&>(socket.get_executor().context());
}

}  // namespace

BodyWriter::BodyWriter(asio::ip::tcp::socket& socket, std::string content_type, Options options)
    : socket_(&socket),
      context_(ContextOf(socket)),
      content_type_(std::move(content_type)),
      options_(std::move(options)),
      written_(context_) {}

void BodyWriter::Write(std::string_view part) {
  AppendHeaders();
  if (options_.chunked && !part.empty()) {
    absl::StrAppend(&pending_, absl::Hex(part.size()), "\r\n",
                    absl::string_view(part.data(), part.size()), "\r\n");
  } else {
    pending_ += part;
  }
  ScheduleFlush();
}

asio::awaitable<absl::Status> BodyWriter::WaitForRoom() { return WaitUntilPending(kMostPending); }

asio::awaitable<absl::Status> BodyWriter::Finish() {
  AppendHeaders();
  if (options_.chunked) pending_ += "0\r\n\r\n";
  ScheduleFlush();
  return WaitUntilPending(0);
}

void BodyWriter::Stop() {
  socket_ = nullptr;
  failed_ = true;
  written_.Notify();
}

asio::awaitable<absl::Status> BodyWriter::WaitUntilPending(std::size_t most) {
  while (!failed_ && pending_.size() - sent_ > most) {
    const std::size_t before = pending_.size() - sent_;
    const bool woken = co_await written_.Wait(net::Clock::now() + options_.write_timeout);
    if (!woken && pending_.size() - sent_ >= before) failed_ = true;
  }
  if (failed_) co_return absl::CancelledError("the client has gone");
  co_return absl::OkStatus();
}

void BodyWriter::AppendHeaders() {
  if (std::exchange(started_, true)) return;
  absl::StrAppend(&pending_, "HTTP/1.1 200 OK\r\nContent-Type: ", content_type_,
                  "\r\n"
                  "Cache-Control: no-store, no-transform\r\n"
                  "X-Accel-Buffering: no\r\n",
                  options_.chunked ? "Transfer-Encoding: chunked\r\n" : "",
                  options_.keep_alive ? "" : "Connection: close\r\n", options_.extra_headers,
                  "\r\n");
}

// The loop runs the flush once the request's coroutine has nothing more to say for now.
void BodyWriter::ScheduleFlush() {
  if (std::exchange(flushing_, true)) return;
  asio::post(context_, [self = shared_from_this()] { self->Flush(); });
}

void BodyWriter::Flush() {
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

}  // namespace luna::http
