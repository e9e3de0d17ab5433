#include "server/http/server.h"

#include <future>
#include <optional>
#include <string>

#include <boost/asio/connect.hpp>
#include <boost/asio/read_until.hpp>
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

namespace luna::http {
namespace {

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

std::string Post(const std::string& path, const std::string& body,
                 const std::string& headers = "Content-Type: application/json\r\n") {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Serves the test-only service, for which no HTTP code was written.
class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    methods_.Add<EchoRequest, EchoResponse>(
        "luna.test.EchoService.Echo",
        [this](EchoRequest request, const Caller&) { return Echo(std::move(request)); });
    loop_.Start();
    options_.http = {"127.0.0.1", 0};
    auto server = Server::Listen(options_, {EchoRequest::descriptor()->file()->service(0)},
                                 {{&loop_, nullptr, &methods_, &admission_, &metrics_}});
    server_ = *std::move(server);
    server_->Start();
  }
  ~HttpServerTest() override {
    server_->Stop(net::Clock::now());
    loop_.Join();
  }

  asio::awaitable<absl::StatusOr<EchoResponse>> Echo(EchoRequest request) {
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
    *response.mutable_request() = std::move(request);
    co_return response;
  }

  net::EventLoop loop_;
  rpc::Methods methods_;
  Admission admission_{10};
  telemetry::Metrics metrics_;
  config::Server options_;
  std::unique_ptr<Server> server_;
  std::promise<void> arrived_;
  std::promise<void> gone_;
};

TEST_F(HttpServerTest, ServesAnRpcThatItKnowsOnlyByItsAnnotation) {
  Client client(server_->address());
  client.Send(Post("/echo/%EB%A3%A8%EB%82%98", R"({"count": 2, "tags": ["가"]})"));
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 200u);
  EXPECT_EQ(response["Content-Type"], "application/json");
  EXPECT_EQ(response.body(),
            R"({"request":{"name":"루나","count":2,"tags":["가"]},"untouched":0})");
}

TEST_F(HttpServerTest, TakesTheNextRequestOnTheSameConnection) {
  Client client(server_->address());
  client.Send("GET /echo?name=a HTTP/1.1\r\nHost: x\r\n\r\n" + Post("/echo/b", "{}"));
  EXPECT_THAT(client.Read().body(), HasSubstr(R"("name":"a")"));
  EXPECT_THAT(client.Read().body(), HasSubstr(R"("name":"b")"));
  client.Send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.Read().body(), HasSubstr(R"("server":"L.U.N.A.")"));
}

TEST_F(HttpServerTest, GivesErrorsTheirStatusAndReason) {
  Client client(server_->address());
  client.Send(Post("/echo/fail", "{}"));
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 504u);
  EXPECT_THAT(response.body(), HasSubstr(R"("reason":"UPSTREAM_TIMEOUT")"));
  EXPECT_THAT(response.body(), HasSubstr(R"("message":"늦음")"));
}

TEST_F(HttpServerTest, SaysWhenToTryAgain) {
  Client client(server_->address());
  client.Send(Post("/echo/quota", "{}"));
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 429u);
  EXPECT_EQ(response["Retry-After"], "3");
  EXPECT_THAT(response.body(), HasSubstr(R"("retry_delay":"2.500s")"));
}

TEST_F(HttpServerTest, RefusesWhatItDoesNotUnderstandAndGoesOn) {
  Client client(server_->address());
  const auto status = [&](const std::string& request) {
    client.Send(request);
    return client.Read().result_int();
  };
  EXPECT_EQ(status("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"), 404u);
  EXPECT_EQ(status("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), 405u);
  EXPECT_EQ(status(Post("/echo/a", "a=b", "Content-Type: text/plain\r\n")), 415u);
  EXPECT_EQ(status(Post("/echo/a", "{}", "")), 415u);
  EXPECT_EQ(status(Post("/echo/a", "{\"nam\": 1}")), 400u);
  EXPECT_EQ(status(Post("/echo/a", "{}")), 200u);
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  Client client(server_->address());
  client.Send("HEAD /health HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_GT(std::stoi(std::string(client.ReadHead()["Content-Length"])), 0);
  EXPECT_THAT(client.Read().body(), HasSubstr("healthy"));
}

TEST_F(HttpServerTest, TakesATargetInAbsoluteForm) {
  Client client(server_->address());
  client.Send("GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 200u);
}

TEST_F(HttpServerTest, NamesAPathThatIsNotUtf8AsNotFound) {
  Client client(server_->address());
  client.Send("GET /\xFF HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 404u);
  EXPECT_THAT(response.body(), HasSubstr("\uFFFD"));
}

TEST_F(HttpServerTest, SaysWhichMethodsAPathHas) {
  Client client(server_->address());
  client.Send("DELETE /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.Read()["Allow"], "GET");
}

TEST_F(HttpServerTest, RefusesABodyThatIsTooLargeBeforeReadingIt) {
  Client client(server_->address());
  client.Send(
      "POST /echo/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Content-Length: 300000\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 413u);
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpServerTest, AnswersRubbishWith400AndAClose) {
  Client client(server_->address());
  client.Send("\x16\x03\x01 hello\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 400u);
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpServerTest, ClosesAfterAnHttp10Request) {
  Client client(server_->address());
  client.Send("GET /echo HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.Read().version(), 10u);
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpServerTest, AsksForTheBodyOfAClientThatExpectsIt) {
  Client client(server_->address());
  client.Send(
      "POST /echo/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 100u);
  client.Send("{}");
  EXPECT_EQ(client.Read().result_int(), 200u);
}

TEST_F(HttpServerTest, CancelsTheHandlerWhenTheClientLeaves) {
  Client client(server_->address());
  client.Send(Post("/echo/wait", "{}"));
  arrived_.get_future().wait();
  client.Close();
  gone_.get_future().wait();
}

TEST_F(HttpServerTest, TellsAClientThatItsRequestWasEnded) {
  Client client(server_->address());
  client.Send(Post("/echo/wait", "{}"));
  arrived_.get_future().wait();
  server_->EndRequests(MakeError(ErrorCode::kShuttingDown, "the server is stopping"));
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 503u);
  EXPECT_THAT(response.body(), HasSubstr("SHUTTING_DOWN"));
}

TEST_F(HttpServerTest, SaysThatItIsDraining) {
  admission_.Close();
  Client client(server_->address());
  client.Send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 503u);
  EXPECT_THAT(response.body(), HasSubstr(R"("status":"draining")"));
}

TEST_F(HttpServerTest, SaysThatThePortIsTaken) {
  const std::string address = server_->address();
  options_.http.port = std::stoi(address.substr(address.rfind(':') + 1));
  const auto second =
      Server::Listen(options_, {}, {{&loop_, nullptr, &methods_, &admission_, &metrics_}});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(address));
}

TEST_F(HttpServerTest, StopEndsIdleConnectionsAtOnce) {
  Client client(server_->address());
  client.Send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  client.Read();
  server_->Stop(net::Clock::now() + std::chrono::hours(1));
  EXPECT_TRUE(client.IsClosed());
}

}  // namespace
}  // namespace luna::http
