#include "server/http/connection.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>

#include "server/base/error.h"
#include "server/base/guard.h"
#include "server/http/chat_request.h"
#include "server/http/grpc_timeout.h"
#include "server/http/json.h"
#include "server/http/openapi.h"
#include "server/telemetry/request_id.h"

namespace luna::http {

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace {

// In bytes: most requests come with the first read.
constexpr std::size_t kFirstRead = 1 << 10;
constexpr std::size_t kFurtherRead = 8 << 10;
// How long a client that was refused may go on sending.
constexpr std::chrono::seconds kLongestGoodbye{1};
// What a client may send ahead while its request is being answered.
constexpr std::size_t kMostPipelined = 64 << 10;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
const auto kGoOnAfterCancellation =
    asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

// What a request's target says.
struct Target {
  std::string_view authority;  // of the absolute form, else empty
  std::string_view path;
  std::string_view query;
};

Target Split(std::string_view target) {
  Target parts;
  if (target.substr(0, 7) == "http://") {  // absolute-form: RFC 9112, 3.2.2
    const std::size_t path = target.find('/', 7);
    parts.authority = target.substr(7, path == std::string_view::npos ? path : path - 7);
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  const std::size_t mark = target.find('?');
  parts.path = target.substr(0, mark);
  if (mark != std::string_view::npos) parts.query = target.substr(mark + 1);
  return parts;
}

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, rpc::Worker worker, const Routes& routes,
                       const BrowserPolicy& policy, const Page& page, const std::string& openapi,
                       const config::Server& options)
    : stream_(std::move(socket)),
      arrived_(worker.loop->context()),
      deadline_(stream_.get_executor()),
      worker_(worker),
      routes_(routes),
      policy_(policy),
      page_(page),
      openapi_(openapi),
      options_(options) {
  boost::system::error_code gone;  // the client's leaving is noticed by the first read
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), gone);
  stream_.socket().non_blocking(true, gone);
}

void Connection::EndRequest(const absl::Status& why) {
  if (answering_ == nullptr) return;
  caller_.ended = why;
  cancel_.emit(asio::cancellation_type::terminal);
}

void Connection::EndRequestAfter(std::chrono::nanoseconds length) {
  deadline_.expires_after(length);
  deadline_.async_wait(
      [this, request = std::weak_ptr<void>(answering_)](const boost::system::error_code& aborted) {
        if (aborted || request.expired()) return;
        EndRequest(MakeError(ErrorCode::kDeadlineExceeded, "the caller's deadline has passed"));
      });
}

void Connection::Close() {
  keep_alive_ = false;
  if (idle_) cancel_.emit(asio::cancellation_type::terminal);
}

void Connection::Reset() {
  keep_alive_ = false;
  if (body_) body_->Stop();
  stream_.close();
  cancel_.emit(asio::cancellation_type::terminal);
}

asio::awaitable<void> Connection::Serve() {
  do {
    RequestParser parser([this](const Request& request) { return TakesFile(request); });
    idle_ = true;
    recorded_ = false;
    caller_ = {.transport = "http"};
    const bool complete = co_await ReadRequest(parser);
    if (!complete) break;
    idle_ = false;
    keep_alive_ = keep_alive_ && parser.request().keep_alive();
    caller_ = {"http", telemetry::RequestId(View(parser.request()["x-request-id"])),
               absl::OkStatus()};
    if (buffer_.size() == 0) buffer_.shrink_to_fit();
    answering_ = std::make_shared<bool>();
    co_await Answer(parser.request());
    answering_.reset();
    deadline_.cancel();
  } while (keep_alive_);
  boost::system::error_code ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

asio::awaitable<Connection::Arrival> Connection::ReadMore(net::TimePoint until) {
  const std::size_t before = buffer_.size();
  while (buffer_.size() == before && !client_left_) {
    Watch();
    const bool in_time = co_await arrived_.Wait(until);
    if (!in_time) co_return Arrival::kTimeout;
  }
  co_return buffer_.size() == before ? Arrival::kClientLeft : Arrival::kBytes;
}

// Sees to it that bytes are taken as they arrive, and that the client's leaving is noticed.
void Connection::Watch() {
  if (watching_ != nullptr) return;
  watching_ = std::make_shared<bool>();
  stream_.socket().async_wait(
      asio::ip::tcp::socket::wait_read,
      [this, watching = std::weak_ptr<void>(watching_)](const boost::system::error_code& aborted) {
        if (aborted || watching.expired()) return;
        watching_.reset();
        TakeWhatArrived();
      });
}

// A client that leaves while it is being answered ends its request. What it sends meanwhile is its
// next one; one that sends kMostPipelined ahead is let go, since it could not be watched any more.
void Connection::TakeWhatArrived() {
  const std::size_t room = buffer_.size() == 0 ? kFirstRead : kFurtherRead;
  boost::system::error_code error;
  const std::size_t bytes = stream_.socket().read_some(buffer_.prepare(room), error);
  buffer_.commit(bytes);
  const bool too_far_ahead = answering_ != nullptr && buffer_.size() >= kMostPipelined;
  client_left_ = too_far_ahead || (error && error != asio::error::would_block);
  arrived_.Notify();
  if (answering_ == nullptr) return;
  if (!client_left_) return Watch();
  cancel_.emit(asio::cancellation_type::terminal);
}

// Reads one whole request. What is refused half-way is answered here; false then, or at the end.
asio::awaitable<bool> Connection::ReadRequest(RequestParser& parser) {
  using State = RequestParser::State;
  http11_ = true;
  head_ = false;
  openai_ = false;
  cors_.clear();
  Arrival arrival = Arrival::kBytes;
  if (buffer_.size() == 0) arrival = co_await ReadMore(net::Clock::now() + options_.idle);
  if (arrival != Arrival::kBytes) co_return false;

  net::TimePoint until = net::Clock::now() + options_.header;
  while (arrival == Arrival::kBytes && parser.Feed(buffer_) == State::kHeader) {
    arrival = co_await ReadMore(until);
  }
  if (parser.state() != State::kHeader) {
    idle_ = false;
    http11_ = parser.request().version() >= 11;
    head_ = parser.request().method() == beast::http::verb::head;
    openai_ = Split(View(parser.request().target())).path.substr(0, 4) == "/v1/";
    cors_ = policy_.ResponseHeaders(View(parser.request()[beast::http::field::origin]));
  }
  if (parser.state() == State::kBody && TakesFile(parser.request())) {
    if (const absl::Status known = Authenticate(parser.request()); !known.ok()) {
      keep_alive_ = false;
      co_await RefuseCaller(parser.request(), known);
      co_await AwaitClose();
      co_return false;
    }
  }
  if (parser.expects_continue()) {
    stream_.expires_after(options_.write_timeout);
    co_await asio::async_write(stream_, asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25),
                               kAsTuple);
    stream_.expires_never();
  }
  until = net::Clock::now() + options_.body;
  while (arrival == Arrival::kBytes && parser.Feed(buffer_) == State::kBody) {
    arrival = co_await ReadMore(until);
  }
  if (parser.state() == State::kDone) co_return true;
  keep_alive_ = false;
  if (arrival != Arrival::kClientLeft) co_await RefuseRequest(parser, arrival);
  co_return false;
}

asio::awaitable<void> Connection::RefuseRequest(const RequestParser& parser, Arrival arrival) {
  int status = parser.status();
  absl::Status error = parser.error();
  if (arrival == Arrival::kTimeout) {
    const bool header = parser.state() == RequestParser::State::kHeader;
    status = 408;
    error = MakeError(ErrorCode::kDeadlineExceeded,
                      absl::StrCat(header ? "header" : "body", ": not all of it came within ",
                                   (header ? options_.header : options_.body).count(), " ms"));
  }
  co_await Respond(status, ErrorOf(error));
  co_await AwaitClose();
}

// Ends the connection such that the client gets to read the response: a close while its bytes are
// unread would be a reset, which destroys what it has not read yet (RFC 9112 section 9.6). What
// still comes is thrown away.
asio::awaitable<void> Connection::AwaitClose() {
  boost::system::error_code ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  idle_ = true;
  const net::TimePoint until = net::Clock::now() + kLongestGoodbye;
  Arrival arrival = Arrival::kBytes;
  while (arrival == Arrival::kBytes) {
    buffer_.clear();
    arrival = co_await ReadMore(until);
  }
}

asio::awaitable<void> Connection::Answer(const Request& request) {
  const auto [authority, path, query] = Split(View(request.target()));
  const std::string_view host =
      authority.empty() ? View(request[beast::http::field::host]) : authority;
  const absl::Status allowed = policy_.Check(host, View(request[beast::http::field::origin]));
  if (!allowed.ok()) return Refuse(allowed);
  const std::string_view verb = View(request.method_string());

  if (verb == "OPTIONS") return AnswerOptions(request, path);
  if (path == "/health") {
    if (verb != "GET" && verb != "HEAD") return RefuseMethod("GET, HEAD");
    const bool draining = worker_.admission->closed();
    return Respond(draining ? 503 : 200,
                   absl::StrCat("{\"server\":\"L.U.N.A.\",\"version\":\"", LUNA_VERSION,
                                "\",\"status\":\"", draining ? "draining" : "healthy", "\"}"));
  }
  if (path == kOpenApiPath) {
    if (verb != "GET" && verb != "HEAD") return RefuseMethod("GET, HEAD");
    return Respond(200, openapi_);
  }
  if (const Page::File* file = page_.Find(path); file != nullptr) {
    if (verb != "GET" && verb != "HEAD") return RefuseMethod("GET, HEAD");
    return ShowPage(*file, request);
  }
  const absl::Status known = Authenticate(request);
  if (!known.ok()) return RefuseCaller(request, known);
  if (path == "/metrics") {
    if (verb != "GET" && verb != "HEAD") return RefuseMethod("GET, HEAD");
    Headers headers;
    headers.emplace_back(beast::http::field::content_type, "text/plain; version=0.0.4");
    return Respond(200, worker_.metrics->Text(), std::move(headers));
  }
  if (const std::string_view timeout = View(request["grpc-timeout"]); !timeout.empty()) {
    const auto length = ParseGrpcTimeout(timeout);
    if (!length) {
      return Refuse(MakeError(ErrorCode::kInvalidInput,
                              "Grpc-Timeout: expected up to 8 digits and one of HMSmun"));
    }
    EndRequestAfter(*length);
  }
  if (path == kChatPath) {
    if (verb != "POST") return RefuseMethod("POST");
    return CompleteChat(request);
  }
  const Match match = routes_.Find(verb, path);
  if (match.route == nullptr && !match.allowed.empty()) {
    return RefuseMethod(absl::StrJoin(match.allowed, ", "));
  }
  if (match.route == nullptr) return RefusePath(path);
  return Call(match, request, query);
}

// Calls the RPC that a request's path leads to.
asio::awaitable<void> Connection::Call(const Match& match, const Request& request,
                                       std::string_view query) {
  const Route& route = *match.route;
  const auto has_type = [&](const char* type) { return HasType(request, type); };
  if (route.takes_file && std::none_of(kFileTypes.begin(), kFileTypes.end(), has_type)) {
    return RefuseType(absl::StrJoin(kFileTypes, " or "));
  }
  if (!route.takes_file && !has_type("application/json")) {
    return RefuseType("application/json");
  }
  const auto& method = *route.method;
  rpc::Message message(google::protobuf::MessageFactory::generated_factory()
                           ->GetPrototype(method.input_type())
                           ->New());
  const absl::Status read = ReadMessage(route, request.body(), query, match.variables, *message);
  if (!read.ok()) return Refuse(read);
  const absl::Status bound = auth::BindUser(caller_.user, *message);
  if (!bound.ok()) return Refuse(bound);
  if (method.input_type() == v1::InteractRequest::descriptor()) {
    return StreamEvents(std::move(message));
  }
  const rpc::Method* function = worker_.methods->Find(method.full_name());
  if (function == nullptr) return NotBuilt(method);
  if (method.output_type() == v1::GenerateStreamResponse::descriptor()) {
    return StreamChunks(*function, std::move(message), {});
  }
  if (method.server_streaming()) return StreamLines(*function, std::move(message));
  const auto body = [&route](const auto& response) { return ResponseBody(route, response); };
  return CallUnary(*function, std::move(message), body);
}

// Whether its body is of this media type, whatever the parameters, or there is none.
bool Connection::HasType(const Request& request, const char* media_type) {
  const std::string_view all = View(request[beast::http::field::content_type]);
  const std::string_view type = all.substr(0, all.find(';'));
  return request.body().empty() ||
         beast::iequals({type.data(), type.find_last_not_of(' ') + 1}, media_type);
}

// Whether the request's route has a body that may be long.
bool Connection::TakesFile(const Request& request) const {
  const std::string_view path = Split(View(request.target())).path;
  const Match match = routes_.Find(View(request.method_string()), path);
  return match.route != nullptr && match.route->takes_file;
}

absl::Status Connection::Authenticate(const Request& request) {
  if (worker_.tokens == nullptr) return absl::OkStatus();
  std::string_view authorization;
  if (request.count(beast::http::field::authorization) == 1) {
    authorization = View(request[beast::http::field::authorization]);
  }
  absl::StatusOr<std::string> user = worker_.tokens->UserOf(authorization);
  if (!user.ok()) return user.status();
  caller_.user = *std::move(user);
  return absl::OkStatus();
}

asio::awaitable<void> Connection::CallUnary(
    const rpc::Method& method, rpc::Message message,
    std::function<std::string(const google::protobuf::Message&)> body) {
  Watch();
  recorded_ = true;
  const auto response = co_await Guard(method.call(std::move(message), caller_));
  answering_.reset();
  if (client_left_) {
    keep_alive_ = false;
    co_return;
  }
  // A request that was ended from outside is answered all the same.
  if (!caller_.ended.ok()) co_await kGoOnAfterCancellation;
  if (!response.ok()) co_return co_await Refuse(response.status());
  co_await Respond(200, body(**response));
}

asio::awaitable<void> Connection::NotBuilt(const google::protobuf::MethodDescriptor& method) {
  const absl::Status error = absl::UnimplementedError(method.full_name() + " is not built");
  co_await Respond(501, ErrorOf(error));
}

}  // namespace luna::http
