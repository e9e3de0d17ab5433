#pragma once

#include <chrono>

#include <boost/asio/steady_timer.hpp>

#include "server/http/body_writer.h"

namespace luna::http {

// A body of Server-Sent Events, whatever their form. The headers leave with the first event, or
// after 5 s so that a client with a read timeout survives a slow first token; comment lines keep
// the stream alive from then on.
class SseBody : public BodyWriter {
 public:
  struct Options {
    BodyWriter::Options body{};
    std::chrono::milliseconds heartbeat{15000};
    std::chrono::milliseconds headers_at_latest{5000};
  };

  // Starts the clock of the headers and the heartbeat.
  void Start() override;

  boost::asio::awaitable<absl::Status> Finish() override;
  void Stop() override;

 protected:
  SseBody(boost::asio::ip::tcp::socket& socket, Options options);

 private:
  void Beat(std::chrono::milliseconds wait);

  const Options options_;
  boost::asio::steady_timer heartbeat_;
  bool stopped_ = false;
};

}  // namespace luna::http
