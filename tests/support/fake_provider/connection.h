#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

namespace luna::fake {

namespace asio = boost::asio;
using asio::ip::tcp;

struct Request {
  std::string head;  // the request line and the headers, each line with its CRLF
  std::string body;
  std::string method;
  std::string target;

  // The value of a header, whose name is given in lower case; empty where there is none.
  std::string Header(std::string_view name) const;
  bool KeepsAlive() const;
};

// A client's connection. A read is pending at all times, so that a client that leaves is noticed at
// once, while sending and while waiting alike. One thread.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Connection(tcp::socket socket);

  // Starts the pending read, which keeps the connection alive until the peer has left or Close.
  void Start();

  // The next request; nothing once the peer has left, or sent what is not a request.
  asio::awaitable<std::optional<Request>> Read();
  // Resumes once the system has taken all bytes. False: the peer has left.
  asio::awaitable<bool> Write(std::string_view bytes);
  // Resumes when `until` has passed, upon Wake, upon bytes from the peer, and when the peer has
  // left.
  asio::awaitable<void> Wait(Clock::time_point until);
  // Lets other connections of this thread go on.
  asio::awaitable<void> Yield();

  // From any thread.
  void Wake();

  bool gone() const { return gone_; }
  void Close();
  // Close with RST.
  void Reset();

 private:
  void ReadSome();
  std::optional<Request> TakeRequest(bool* bad);

  tcp::socket socket_;
  asio::steady_timer wake_;
  std::array<char, 16384> buffer_;
  std::string in_;
  bool gone_ = false;
  bool continued_ = false;  // "100 Continue" was sent for the request being read
};

}  // namespace luna::fake
