#include "tests/support/fake_provider/connection.h"

#include <charconv>
#include <utility>

#include <absl/strings/match.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace luna::fake {

std::string Request::Header(std::string_view name) const {
  std::size_t at = head.find("\r\n") + 2;
  while (at < head.size()) {
    const std::size_t end = head.find("\r\n", at);
    const std::size_t colon = head.find(':', at);
    if (colon < end && absl::EqualsIgnoreCase(head.substr(at, colon - at), std::string(name))) {
      const std::size_t value = head.find_first_not_of(" \t", colon + 1);
      return head.substr(value, end - value);
    }
    at = end + 2;
  }
  return "";
}

bool Request::KeepsAlive() const {
  if (absl::EqualsIgnoreCase(Header("connection"), "close")) return false;
  const std::size_t end = head.find("\r\n");
  return end >= 8 && head.compare(end - 8, 8, "HTTP/1.1") == 0;
}

Connection::Connection(tcp::socket socket)
    : socket_(std::move(socket)), wake_(socket_.get_executor()) {
  socket_.set_option(tcp::no_delay(true));
  socket_.non_blocking(true);
}

void Connection::Start() { ReadSome(); }

void Connection::ReadSome() {
  socket_.async_read_some(
      asio::buffer(buffer_),
      [self = shared_from_this()](boost::system::error_code error, std::size_t size) {
        if (error) {
          self->Close();
        } else {
          self->in_.append(self->buffer_.data(), size);
          self->wake_.cancel();
          self->ReadSome();
        }
      });
}

std::optional<Request> Connection::TakeRequest(bool* bad) {
  const std::size_t end = in_.find("\r\n\r\n");
  if (end == std::string::npos) return std::nullopt;
  Request request;
  request.head = in_.substr(0, end + 2);
  const std::size_t method = in_.find(' ');
  const std::size_t target = in_.find(' ', method + 1);
  if (target >= end) {
    *bad = true;
    return std::nullopt;
  }
  const std::string length = request.Header("content-length");
  std::size_t size = 0;
  const auto parsed = std::from_chars(length.data(), length.data() + length.size(), size);
  if (parsed.ptr != length.data() + length.size() || !request.Header("transfer-encoding").empty()) {
    *bad = true;
    return std::nullopt;
  }
  if (in_.size() < end + 4 + size) {
    if (!std::exchange(continued_, true) && !request.Header("expect").empty()) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      boost::system::error_code ignored;  // a peer that has left is seen by the pending read
      socket_.write_some(asio::buffer(kContinue), ignored);
    }
    return std::nullopt;
  }
  request.method = in_.substr(0, method);
  request.target = in_.substr(method + 1, target - method - 1);
  request.body = in_.substr(end + 4, size);
  in_.erase(0, end + 4 + size);
  return request;
}

asio::awaitable<std::optional<Request>> Connection::Read() {
  bool bad = false;
  continued_ = false;
  while (!gone_ && !bad) {
    std::optional<Request> request = TakeRequest(&bad);
    if (request) co_return request;
    if (!bad) co_await Wait(Clock::time_point::max());
  }
  co_return std::nullopt;
}

asio::awaitable<bool> Connection::Write(std::string_view bytes) {
  boost::system::error_code error;
  while (!gone_ && !bytes.empty()) {
    bytes.remove_prefix(socket_.write_some(asio::buffer(bytes), error));
    if (error == asio::error::would_block) {
      co_await socket_.async_wait(tcp::socket::wait_write, asio::as_tuple(asio::use_awaitable));
    } else if (error) {
      Close();
    }
  }
  co_return !gone_;
}

asio::awaitable<void> Connection::Wait(Clock::time_point until) {
  if (gone_) co_return;
  wake_.expires_at(until);
  co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
}

asio::awaitable<void> Connection::Yield() {
  co_await asio::post(socket_.get_executor(), asio::use_awaitable);
}

void Connection::Wake() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->wake_.cancel(); });
}

void Connection::Close() {
  gone_ = true;
  wake_.cancel();
  boost::system::error_code ignored;  // closing twice
  socket_.close(ignored);
}

void Connection::Reset() {
  boost::system::error_code ignored;  // the peer may have closed before
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  Close();
}

}  // namespace luna::fake
