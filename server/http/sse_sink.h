#pragma once

#include <string>

#include "server/http/sse_body.h"
#include "server/interaction/event_sink.h"

namespace luna::http {

// Writes a request's events to a socket as the guide documents them, each frame as one part.
class SseSink final : public SseBody, public EventSink {
 public:
  // `details`: as in json.h.
  SseSink(boost::asio::ip::tcp::socket& socket, Options options, bool details = false);

  void Put(const v1::InteractResponse& event) override;
  boost::asio::awaitable<absl::Status> Room() override { return WaitForRoom(); }
  // A failure is an event.
  bool Fail(const absl::Status&) override { return true; }

 private:
  const bool details_;
  std::string frame_;  // for Put
};

}  // namespace luna::http
