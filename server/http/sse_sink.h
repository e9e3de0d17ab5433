#pragma once

#include <chrono>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "server/http/body_writer.h"
#include "server/interaction/event_sink.h"

namespace luna::http {

// Writes a request's events to a socket as Server-Sent Events, each frame as one part. The headers
// leave with the first event, or after 5 s so that a client with a read timeout survives a slow
// first token; comment lines keep the stream alive from then on.
class SseSink final : public BodyWriter, public EventSink {
 public:
  struct Options {
    BodyWriter::Options body{};
    bool details = false;
    std::chrono::milliseconds heartbeat{15000};
    std::chrono::milliseconds headers_at_latest{5000};
  };

  SseSink(boost::asio::ip::tcp::socket& socket, Options options);

  // Starts the clock of the headers and the heartbeat.
  void Start();

  void Put(const v1::InteractResponse& event) override;
  boost::asio::awaitable<absl::Status> Room() override { return WaitForRoom(); }
  boost::asio::awaitable<absl::Status> Finish() override;
  void Stop() override;

 private:
  void Beat(std::chrono::milliseconds wait);

  const Options options_;
  boost::asio::steady_timer heartbeat_;
  std::string frame_;  // for Put
  bool stopped_ = false;
};

}  // namespace luna::http
