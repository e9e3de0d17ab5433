#include "server/http/sse_sink.h"

#include <utility>

#include "server/http/json.h"

namespace luna::http {

SseSink::SseSink(boost::asio::ip::tcp::socket& socket, Options options, bool details)
    : SseBody(socket, std::move(options)), details_(details) {}

void SseSink::Put(const v1::InteractResponse& event) {
  frame_.clear();
  AppendSseFrame(event, details_, frame_);
  Write(frame_);
}

}  // namespace luna::http
