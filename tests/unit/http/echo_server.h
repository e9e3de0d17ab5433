#pragma once

#include <poll.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>

#include <boost/asio/connect.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "echo.pb.h"
#include "server/base/error.h"
#include "server/http/server.h"

// A server of the test-only service, and a client that says what it likes.
namespace luna::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using luna::test::EchoRequest;
using luna::test::EchoResponse;
using testing::HasSubstr;

// A blocking client that says exactly what it is told to say.
class Client {
 public:
  explicit Client(const std::string& address) : socket_(context_) {
    const std::size_t colon = address.rfind(':');
    socket_.connect({asio::ip::make_address(address.substr(0, colon)),
                     static_cast<unsigned short>(std::stoi(address.substr(colon + 1)))});
  }

  void Send(const std::string& bytes) { asio::write(socket_, asio::buffer(bytes)); }
  void Close() { socket_.close(); }
  void CloseSendingSide() { socket_.shutdown(asio::ip::tcp::socket::shutdown_send); }

  // The kernel takes no more for it.
  void KeepLittle() { socket_.set_option(asio::socket_base::receive_buffer_size(1 << 16)); }
  // The next bytes, as they come; none at the end.
  std::size_t ReadSome() {
    boost::system::error_code error;
    return socket_.read_some(buffer_.prepare(1 << 18), error);
  }

  // Whether the server has said something, which is waited for that long.
  bool HasMore(std::chrono::milliseconds wait) {
    pollfd poll{socket_.native_handle(), POLLIN, 0};
    return ::poll(&poll, 1, static_cast<int>(wait.count())) > 0;
  }

  beast::http::response<beast::http::string_body> Read() {
    beast::http::response<beast::http::string_body> response;
    beast::http::read(socket_, buffer_, response);
    return response;
  }

  // The response to a HEAD request.
  beast::http::response<beast::http::empty_body> ReadHead() {
    beast::http::response_parser<beast::http::empty_body> parser;
    parser.skip(true);
    beast::http::read_header(socket_, buffer_, parser);
    return parser.release();
  }

  // Whether the server has closed the connection; blocks until it does or says something.
  bool IsClosed() {
    boost::system::error_code error;
    char byte = 0;
    socket_.read_some(asio::buffer(&byte, 1), error);
    return error == asio::error::eof;
  }

 private:
  asio::io_context context_;
  asio::ip::tcp::socket socket_;
  beast::flat_buffer buffer_;
};

inline std::string Post(const std::string& path, const std::string& body,
                        const std::string& headers = "Content-Type: application/json\r\n") {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// The default options but for what `change` does to them.
template <typename Change>
config::Server With(Change change) {
  config::Server options;
  change(options);
  return options;
}

// Serves the test-only service, for which no HTTP code was written.
class HttpServerTest : public testing::Test {
 protected:
  explicit HttpServerTest(config::Server options = {}, const auth::Tokens* tokens = nullptr,
                          Page page = {})
      : options_(std::move(options)) {
    methods_.Add<EchoRequest, EchoResponse>(
        "luna.test.EchoService.Echo",
        [this](EchoRequest request, const Caller&) { return Echo(std::move(request)); });
    methods_.AddStream<EchoRequest>(
        "luna.test.EchoService.Count",
        [this](EchoRequest request, rpc::MessageSink& sink, const Caller&) {
          return Count(std::move(request), sink);
        });
    methods_.Add<luna::test::UploadRequest, EchoResponse>(
        "luna.test.EchoService.Upload", [](luna::test::UploadRequest request, const Caller&) {
          return Upload(std::move(request));
        });
    loop_.Start();
    options_.http = {"127.0.0.1", 0};
    auto server = Server::Listen(options_, {EchoRequest::descriptor()->file()->service(0)},
                                 {{&loop_, nullptr, &methods_, &admission_, &metrics_, tokens}},
                                 std::move(page));
    server_ = *std::move(server);
    server_->Start();
  }
  ~HttpServerTest() override {
    server_->Stop(net::Clock::now());
    loop_.Join();
  }

  asio::awaitable<absl::StatusOr<EchoResponse>> Echo(EchoRequest request) {
    ++calls_;
    if (request.name() == "fail") co_return MakeError(ErrorCode::kUpstreamTimeout, "늦음");
    if (request.name() == "quota") {
      co_return MakeError(ErrorCode::kUpstreamQuota, "", std::chrono::milliseconds(2500));
    }
    if (request.name() == "wait") {
      asio::steady_timer never(loop_.context(), net::kForever);
      arrived_.set_value();
      struct Gone {
        std::promise<void>& gone;
        ~Gone() { gone.set_value(); }
      } gone{gone_};
      co_await never.async_wait(asio::use_awaitable);
    }
    EchoResponse response;
    if (request.name() == "large") request.add_tags(std::string(kLarge, 'x'));
    *response.mutable_request() = std::move(request);
    co_return response;
  }

  asio::awaitable<absl::Status> Count(EchoRequest request, rpc::MessageSink& sink) {
    struct Gone {
      std::promise<void>& gone;
      ~Gone() { gone.set_value(); }
    } gone{gone_};
    for (int i = 0; i < request.count(); ++i) {
      EchoResponse response;
      response.set_untouched(i);
      sink.Put(response);
      const absl::Status room = co_await sink.Room();
      if (!room.ok()) co_return room;
    }
    if (request.name() == "fail") co_return MakeError(ErrorCode::kUpstreamTimeout, "늦음");
    co_return absl::OkStatus();
  }

  // More than the kernel keeps for a connection.
  static constexpr std::size_t kLarge = 16 << 20;

  // Tells how long the file is.
  static asio::awaitable<absl::StatusOr<EchoResponse>> Upload(luna::test::UploadRequest request) {
    EchoResponse response;
    response.mutable_request()->set_user_id(request.user_id());
    response.set_untouched(static_cast<int>(request.data().size()));
    co_return response;
  }

  net::EventLoop loop_;
  rpc::Methods methods_;
  Admission admission_{10};
  telemetry::Metrics metrics_;
  config::Server options_;
  std::unique_ptr<Server> server_;
  std::atomic<int> calls_ = 0;
  std::promise<void> arrived_;
  std::promise<void> gone_;
};

}  // namespace luna::http
