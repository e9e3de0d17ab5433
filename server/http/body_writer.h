#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "server/net/event_loop.h"

namespace luna::http {

// Writes a response whose body comes in parts to a socket, each part as one HTTP chunk; those that
// are ready together leave in one write. The headers leave with the first part. Loop thread only.
// To be held by a shared_ptr, which its handlers share.
class BodyWriter : public std::enable_shared_from_this<BodyWriter> {
 public:
  struct Options {
    bool chunked = true;          // false: HTTP/1.0, where the end of the connection ends the body
    bool keep_alive = true;       // said in the headers
    std::string extra_headers{};  // whole lines
    std::chrono::milliseconds write_timeout{60000};
  };

  // The socket must be non-blocking and outlive the last call.
  BodyWriter(boost::asio::ip::tcp::socket& socket, std::string content_type, Options options);
  virtual ~BodyWriter() = default;

  // Called once, and not before it is sure that Stop will be.
  virtual void Start() {}

  // Whether the headers have left or are about to.
  bool started() const { return started_; }

  // Ends the body; resumes once everything has been written. kCancelled as Room.
  virtual boost::asio::awaitable<absl::Status> Finish();

  // Tells in the body that it is not whole; false where its form has no way to.
  virtual bool Fail(const absl::Status&) { return false; }

  // Must be called before the socket goes: no handler touches it from then on.
  virtual void Stop();

 protected:
  // Takes a part of the body; empty: the headers alone.
  void Write(std::string_view part);
  // Nothing waits to be written.
  bool idle() const { return pending_.empty(); }
  boost::asio::io_context& context() const { return context_; }

  // Resumes at once while less than 64 KiB wait to be written; else once that much has left.
  // kCancelled once the socket has failed or has taken nothing for `write_timeout`.
  boost::asio::awaitable<absl::Status> WaitForRoom();

 private:
  void AppendHeaders();
  void ScheduleFlush();
  void Flush();
  boost::asio::awaitable<absl::Status> WaitUntilPending(std::size_t most);

  boost::asio::ip::tcp::socket* socket_;  // null once stopped
  boost::asio::io_context& context_;
  const std::string content_type_;
  const Options options_;
  net::Signal written_;
  std::string pending_;
  std::size_t sent_ = 0;  // of pending_
  bool started_ = false;
  bool flushing_ = false;
  bool failed_ = false;
};

}  // namespace luna::http
