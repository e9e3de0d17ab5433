#include "server/http/sse_body.h"

#include <utility>

namespace luna::http {

namespace asio = boost::asio;

SseBody::SseBody(asio::ip::tcp::socket& socket, Options options)
    : BodyWriter(socket, "text/event-stream; charset=utf-8", options.body),
      options_(std::move(options)),
      heartbeat_(context()) {}

void SseBody::Start() { Beat(options_.headers_at_latest); }

asio::awaitable<absl::Status> SseBody::Finish() {
  heartbeat_.cancel();
  return BodyWriter::Finish();
}

void SseBody::Stop() {
  stopped_ = true;
  heartbeat_.cancel();
  BodyWriter::Stop();
}

void SseBody::Beat(std::chrono::milliseconds wait) {
  heartbeat_.expires_after(wait);
  heartbeat_.async_wait(
      [this, self = shared_from_this()](const boost::system::error_code& aborted) {
        if (aborted || stopped_) return;
        // One line end: after an empty line clients that saw an id deliver an empty event.
        if (!started()) {
          Write("");
        } else if (idle()) {
          Write(":\n");
        }
        Beat(options_.heartbeat);
      });
}

}  // namespace luna::http
