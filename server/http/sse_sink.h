#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "server/interaction/event_sink.h"
#include "server/net/event_loop.h"

namespace luna::http {

// Writes a request's events to a socket as Server-Sent Events, each frame as one HTTP chunk; those
// that are ready together leave in one write. The headers leave with the first event, or after 5 s
// so that a client with a read timeout survives a slow first token; comment lines keep the stream
// alive from then on. Loop thread only. To be held by a shared_ptr, which its handlers share.
class SseSink final : public EventSink, public std::enable_shared_from_this<SseSink> {
 public:
  struct Options {
    bool chunked = true;     // false: HTTP/1.0, where the end of the connection ends the body
    bool keep_alive = true;  // said in the headers
    bool details = false;
    std::string extra_headers;  // whole lines
    std::chrono::milliseconds heartbeat{15000};
    std::chrono::milliseconds headers_at_latest{5000};
    std::chrono::milliseconds write_timeout{60000};
  };

  // The socket must be non-blocking and outlive the last call.
  SseSink(boost::asio::ip::tcp::socket& socket, Options options);

  // Starts the clock of the headers and the heartbeat.
  void Start();

  void Put(const v1::InteractResponse& event) override;

  // Resumes at once while less than 64 KiB wait to be written; else once that much has left.
  // kCancelled once the socket has failed or has taken nothing for `write_timeout`.
  boost::asio::awaitable<absl::Status> Room() override;

  // Whether the headers have left or are about to.
  bool started() const { return started_; }

  // Ends the body; resumes once everything has been written. kCancelled as Room.
  boost::asio::awaitable<absl::Status> Finish();

  // Must be called before the socket goes: no handler touches it from then on.
  void Stop();

 private:
  void Append(std::string_view bytes);
  void AppendHeaders();
  void ScheduleFlush();
  void Flush();
  void Beat(std::chrono::milliseconds wait);
  boost::asio::awaitable<absl::Status> WaitUntilPending(std::size_t most);

  boost::asio::ip::tcp::socket* socket_;  // null once stopped
  const Options options_;
  boost::asio::steady_timer heartbeat_;
  net::Signal written_;
  std::string frame_;  // for Put
  std::string pending_;
  std::size_t sent_ = 0;  // of pending_
  bool started_ = false;
  bool flushing_ = false;
  bool failed_ = false;
};

}  // namespace luna::http
