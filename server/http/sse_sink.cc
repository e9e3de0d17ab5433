#include "server/http/sse_sink.h"

#include <utility>

#include "server/http/json.h"

namespace luna::http {

namespace asio = boost::asio;

SseSink::SseSink(asio::ip::tcp::socket& socket, Options options)
    : BodyWriter(socket, "text/event-stream", options.body),
      options_(std::move(options)),
      heartbeat_(context()) {}

void SseSink::Start() { Beat(options_.headers_at_latest); }

void SseSink::Put(const v1::InteractResponse& event) {
  frame_.clear();
  AppendSseFrame(event, options_.details, frame_);
  Write(frame_);
}

asio::awaitable<absl::Status> SseSink::Finish() {
  heartbeat_.cancel();
  return BodyWriter::Finish();
}

void SseSink::Stop() {
  stopped_ = true;
  heartbeat_.cancel();
  BodyWriter::Stop();
}

void SseSink::Beat(std::chrono::milliseconds wait) {
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
