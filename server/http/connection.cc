#include "server/http/connection.h"

#include <memory>
#include <utility>
#include <variant>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include "server/base/error.h"
#include "server/http/json.h"
#include "server/http/sse_sink.h"
#include "server/telemetry/request_id.h"

namespace luna::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using namespace asio::experimental::awaitable_operators;  // NOLINT: that is how || is found

namespace {

constexpr std::uint32_t kMostHeaderBytes = 16 << 10;
constexpr std::uint64_t kMostBodyBytes = 256 << 10;
// What a client may send ahead while its request is being answered.
constexpr std::size_t kMostPipelined = 64 << 10;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
const auto kGoOnAfterCancellation =
    asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

bool IsJson(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  return beast::iequals({type.data(), type.find_last_not_of(' ') + 1}, "application/json");
}

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, rpc::Worker worker, const Routes& routes,
                       const config::Server& options)
    : stream_(std::move(socket)), worker_(worker), routes_(routes), options_(options) {
  boost::system::error_code gone;  // the client's leaving is noticed by the first read
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), gone);
  stream_.socket().non_blocking(true, gone);
}

void Connection::EndRequest(const absl::Status& why) {
  if (idle_) return;
  caller_.ended = why;
  cancel_.emit(asio::cancellation_type::terminal);
}

void Connection::Close() {
  keep_alive_ = false;
  if (idle_) cancel_.emit(asio::cancellation_type::terminal);
}

void Connection::Reset() {
  keep_alive_ = false;
  if (sink_) sink_->Stop();
  stream_.close();
  cancel_.emit(asio::cancellation_type::terminal);
}

asio::awaitable<void> Connection::Serve() {
  do {
    Parser parser;
    parser.header_limit(kMostHeaderBytes);
    parser.body_limit(kMostBodyBytes);
    idle_ = true;
    const bool complete = co_await ReadRequest(parser);
    if (!complete) break;
    idle_ = false;
    keep_alive_ = keep_alive_ && parser.get().keep_alive();
    caller_ = {"http", telemetry::RequestId(View(parser.get()["x-request-id"])), absl::OkStatus()};
    co_await Answer(parser.get());
  } while (keep_alive_);
  boost::system::error_code ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

// Reads one whole request. What is refused half-way is answered here; false then, or at the end.
asio::awaitable<bool> Connection::ReadRequest(Parser& parser) {
  if (buffer_.size() == 0) {
    stream_.expires_after(options_.idle);
    auto [gone, first] = co_await stream_.async_read_some(buffer_.prepare(512), kAsTuple);
    if (gone) co_return false;
    buffer_.commit(first);
  }
  stream_.expires_after(options_.header);
  auto [error, bytes] = co_await beast::http::async_read_header(stream_, buffer_, parser, kAsTuple);
  if (!error) {
    http11_ = parser.get().version() >= 11;
    head_ = parser.get().method() == beast::http::verb::head;
    idle_ = false;
    if (beast::iequals(parser.get()[beast::http::field::expect], "100-continue")) {
      co_await asio::async_write(stream_, asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25),
                                 kAsTuple);
    }
    stream_.expires_after(options_.body);
    std::tie(error, bytes) = co_await beast::http::async_read(stream_, buffer_, parser, kAsTuple);
  }
  stream_.expires_never();
  if (!error) co_return true;

  keep_alive_ = false;
  const bool parsed =
      error.category() == beast::http::make_error_code(beast::http::error::bad_method).category();
  if (!parsed || error == beast::http::error::end_of_stream ||
      error == beast::http::error::partial_message) {
    co_return false;
  }
  if (error == beast::http::error::body_limit) {
    co_await Refuse(MakeError(ErrorCode::kInputTooLarge,
                              absl::StrCat("body: longer than ", kMostBodyBytes, " bytes")));
  } else if (error == beast::http::error::header_limit) {
    co_await Respond(431, ErrorBody(ErrorOf(MakeError(
                              ErrorCode::kInputTooLarge,
                              absl::StrCat("headers: longer than ", kMostHeaderBytes, " bytes")))));
  } else {
    co_await Refuse(MakeError(ErrorCode::kInvalidInput,
                              absl::StrCat("not an HTTP request: ", error.message())));
  }
  co_return false;
}

asio::awaitable<void> Connection::Answer(const Request& request) {
  std::string_view target = View(request.target());
  if (target.substr(0, 7) == "http://") {  // absolute-form, RFC 9112 section 3.2.2
    const std::size_t path = target.find('/', 7);
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  const std::string_view query =
      mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  const std::string_view verb = View(request.method_string());

  if (path == "/health") {
    if (verb != "GET" && verb != "HEAD") co_return co_await RefuseMethod("GET, HEAD");
    const bool draining = worker_.admission->closed();
    co_return co_await Respond(
        draining ? 503 : 200,
        absl::StrCat("{\"server\":\"L.U.N.A.\",\"version\":\"", LUNA_VERSION, "\",\"status\":\"",
                     draining ? "draining" : "healthy", "\"}"));
  }
  if (path == "/metrics") {
    if (verb != "GET" && verb != "HEAD") co_return co_await RefuseMethod("GET, HEAD");
    Headers headers;
    headers.emplace_back(beast::http::field::content_type, "text/plain; version=0.0.4");
    co_return co_await Respond(200, worker_.metrics->Text(), std::move(headers));
  }
  const Match match = routes_.Find(verb, path);
  if (match.route == nullptr && !match.allowed.empty()) {
    co_return co_await RefuseMethod(absl::StrJoin(match.allowed, ", "));
  }
  if (match.route == nullptr) {
    co_return co_await Refuse(MakeError(
        ErrorCode::kNotFound, absl::StrCat("no such path: ", std::string(path.substr(0, 200)))));
  }
  if (!request.body().empty() && !IsJson(View(request[beast::http::field::content_type]))) {
    co_return co_await Respond(
        415, ErrorBody(ErrorOf(
                 MakeError(ErrorCode::kInvalidInput, "Content-Type: expected application/json"))));
  }
  const auto& method = *match.route->method;
  rpc::Message message(google::protobuf::MessageFactory::generated_factory()
                           ->GetPrototype(method.input_type())
                           ->New());
  const absl::Status read =
      ReadMessage(*match.route, request.body(), query, match.variables, *message);
  if (!read.ok()) co_return co_await Refuse(read);
  if (method.server_streaming()) {
    co_await Stream(request, std::move(message));
  } else {
    co_await CallUnary(method, std::move(message));
  }
}

asio::awaitable<void> Connection::CallUnary(const google::protobuf::MethodDescriptor& method,
                                            rpc::Message message) {
  const rpc::Method* function = worker_.methods->Find(method.full_name());
  if (function == nullptr) {
    co_return co_await Respond(
        501, ErrorBody(ErrorOf(absl::UnimplementedError(method.full_name() + " is not built"))));
  }
  auto outcome = co_await (function->call(std::move(message), caller_) || ClientLeaves());
  if (outcome.index() == 1) {
    keep_alive_ = false;
    co_return;
  }
  // A request that was ended from outside is answered all the same.
  if (!caller_.ended.ok()) co_await kGoOnAfterCancellation;
  const auto& response = std::get<0>(outcome);
  if (!response.ok()) co_return co_await Refuse(response.status());
  co_await Respond(200, ToJson(**response));
}

asio::awaitable<void> Connection::Stream(const Request&, rpc::Message message) {
  auto& interact = static_cast<v1::InteractRequest&>(*message);
  SseSink::Options options;
  options.chunked = http11_;
  keep_alive_ = keep_alive_ && http11_;
  options.keep_alive = keep_alive_;
  options.details = interact.features().details();
  options.heartbeat = options_.heartbeat;
  options.write_timeout = options_.write_timeout;
  options.extra_headers = absl::StrCat("X-Request-Id: ", caller_.id, "\r\n");
  sink_ = std::make_shared<SseSink>(stream_.socket(), std::move(options));
  const std::shared_ptr<SseSink> sink = sink_;
  struct Stopper {
    std::shared_ptr<SseSink>& sink;
    ~Stopper() { std::exchange(sink, nullptr)->Stop(); }
  } stopper{sink_};
  sink->Start();

  auto outcome =
      co_await (worker_.interaction->Run(std::move(interact), *sink, caller_) || ClientLeaves());
  const absl::Status* status = std::get_if<0>(&outcome);
  if (status == nullptr || absl::IsCancelled(*status)) {
    keep_alive_ = false;
    co_return;
  }
  if (!caller_.ended.ok()) co_await kGoOnAfterCancellation;
  if (!status->ok() && !sink->started()) co_return co_await Refuse(*status);
  const absl::Status sent = co_await sink->Finish();
  if (!sent.ok()) keep_alive_ = false;
}

// Resumes once the client has closed its side or reset the connection. Keeps a read pending, the
// only thing that tells; what arrives meanwhile is the client's next request. A client that sends
// more ahead than kMostPipelined is no longer watched.
asio::awaitable<void> Connection::ClientLeaves() {
  while (buffer_.size() < kMostPipelined) {
    auto [error, bytes] = co_await stream_.socket().async_read_some(buffer_.prepare(512), kAsTuple);
    // Cancelled is not left: whoever cancelled says what follows.
    if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
    if (error) co_return;
    buffer_.commit(bytes);
  }
  asio::steady_timer never(stream_.get_executor(), net::kForever);
  co_await never.async_wait(asio::use_awaitable);
}

asio::awaitable<void> Connection::Refuse(const absl::Status& error) {
  const v1::Error reason = ErrorOf(error);
  Headers headers;
  if (reason.retry_after_ms() > 0) {
    headers.emplace_back(beast::http::field::retry_after,
                         std::to_string((reason.retry_after_ms() + 999) / 1000));
  }
  co_await Respond(HttpStatus(reason), ErrorBody(reason), std::move(headers));
}

asio::awaitable<void> Connection::RefuseMethod(std::string allowed) {
  const absl::Status error =
      MakeError(ErrorCode::kInvalidInput, absl::StrCat("method: this path has ", allowed));
  Headers headers;
  headers.emplace_back(beast::http::field::allow, std::move(allowed));
  co_await Respond(405, ErrorBody(ErrorOf(error)), std::move(headers));
}

asio::awaitable<void> Connection::Respond(int status, std::string body, Headers headers) {
  beast::http::response<beast::http::string_body> response;
  response.version(http11_ ? 11 : 10);
  response.result(static_cast<unsigned>(status));
  response.set(beast::http::field::content_type, "application/json");
  if (!caller_.id.empty()) response.set("X-Request-Id", caller_.id);
  for (const auto& [name, value] : headers) response.set(name, value);
  response.keep_alive(keep_alive_);
  response.body() = std::move(body);
  response.prepare_payload();
  if (head_) response.body().clear();  // the headers are those of the whole response
  stream_.expires_after(options_.write_timeout);
  auto [error, bytes] = co_await beast::http::async_write(stream_, response, kAsTuple);
  stream_.expires_never();
  if (error) keep_alive_ = false;
}

}  // namespace luna::http
