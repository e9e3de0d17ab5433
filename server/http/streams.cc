// What a connection answers bit by bit: the events of Interact, the chunks of GenerateStream, and
// the lines of any other RPC that streams.
#include <ctime>
#include <memory>
#include <utility>

#include <absl/strings/str_cat.h>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include "server/http/connection.h"
#include "server/http/json_lines.h"
#include "server/http/sse_sink.h"

namespace luna::http {

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace {

const auto kGoOnAfterCancellation =
    asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());

}  // namespace

BodyWriter::Options Connection::BodyOptions() {
  BodyWriter::Options options;
  options.chunked = http11_;
  keep_alive_ = keep_alive_ && http11_;
  options.keep_alive = keep_alive_;
  options.write_timeout = options_.write_timeout;
  options.extra_headers = absl::StrCat("X-Request-Id: ", caller_.id, "\r\n");
  for (const auto& [name, value] : cors_) {
    const beast::string_view field = beast::http::to_string(name);
    absl::StrAppend(&options.extra_headers, std::string(field), ": ", value, "\r\n");
  }
  return options;
}

SseBody::Options Connection::SseOptions() {
  return {.body = BodyOptions(), .heartbeat = options_.heartbeat};
}

asio::awaitable<void> Connection::StreamEvents(rpc::Message message) {
  auto& interact = static_cast<v1::InteractRequest&>(*message);
  const auto sink =
      std::make_shared<SseSink>(stream_.socket(), SseOptions(), interact.features().details());
  return Stream(sink, worker_.interaction->Run(std::move(interact), *sink, caller_));
}

asio::awaitable<void> Connection::StreamChunks(const rpc::Method& method, rpc::Message message,
                                               ChunkSink::Form form) {
  const auto sink = std::make_shared<ChunkSink>(stream_.socket(), SseOptions(),
                                                Completion{caller_.id, std::time(nullptr)}, form);
  return Stream(sink, method.stream(std::move(message), *sink, caller_));
}

asio::awaitable<void> Connection::StreamLines(const rpc::Method& method, rpc::Message message) {
  const auto sink = std::make_shared<JsonLines>(stream_.socket(), BodyOptions());
  return Stream(sink, method.stream(std::move(message), *sink, caller_));
}

// Answers with what `work` puts into `body`, which tells of a failure, or else is cut: so that it
// is seen in HTTP/1.0 too, by a reset.
asio::awaitable<void> Connection::Stream(std::shared_ptr<BodyWriter> body,
                                         asio::awaitable<absl::Status> work) {
  body_ = body;
  struct Stopper {
    std::shared_ptr<BodyWriter>& body;
    ~Stopper() { std::exchange(body, nullptr)->Stop(); }
  } stopper{body_};

  body->Start();
  Watch();
  recorded_ = true;
  const absl::Status status = co_await std::move(work);
  answering_.reset();
  if (client_left_ || absl::IsCancelled(status)) {
    keep_alive_ = false;
    co_return;
  }
  if (!caller_.ended.ok()) co_await kGoOnAfterCancellation;
  if (!status.ok() && !body->started()) co_return co_await Refuse(status);
  if (!status.ok() && !body->Fail(status)) {
    keep_alive_ = false;
    boost::system::error_code ignored;
    stream_.socket().set_option(asio::socket_base::linger(true, 0), ignored);
    stream_.close();
    co_return;
  }
  const absl::Status sent = co_await body->Finish();
  if (!sent.ok()) keep_alive_ = false;
}

}  // namespace luna::http
