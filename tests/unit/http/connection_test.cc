#include "server/http/connection.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "luna/v1/generation.pb.h"
#include "tests/unit/http/echo_server.h"

namespace luna::http {
namespace {

TEST_F(HttpServerTest, RefusesABodyThatIsTooLargeBeforeReadingIt) {
  Client client(server_->address());
  client.Send(
      "POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 300000\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 413u);
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpServerTest, LetsAClientReadWhyItsBodyWasRefused) {
  Client client(server_->address());
  client.Send(Post("/echo/a", std::string(16 << 20, ' ')));
  EXPECT_EQ(client.Read().result_int(), 413u);
}

TEST_F(HttpServerTest, AnswersRubbishWith400AndAClose) {
  Client client(server_->address());
  client.Send("\x16\x03\x01 hello\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 400u);
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpServerTest, ReadsNothingAfterARefusedRequest) {
  const std::string next = "GET /echo?name=smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string fields = "POST /echo/a HTTP/1.1\r\nContent-Type: application/json\r\n";
  for (const std::string& request : {
           fields + "Host: localhost\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
           fields + "Host: localhost\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
           fields + "Host: localhost\r\nTransfer-Encoding: identity\r\n\r\n",
           fields + "Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
           fields + "Host: localhost\r\nX: a\r\n b\r\n\r\n",
           fields + "Content-Length: 0\r\n\r\n",
       }) {
    Client client(server_->address());
    client.Send(request + next);
    const auto response = client.Read();
    EXPECT_EQ(response.result_int(), 400u) << request;
    EXPECT_THAT(response.body(), HasSubstr("INVALID_INPUT"));
    EXPECT_EQ(response["Connection"], "close");
    EXPECT_TRUE(client.IsClosed());
  }
  EXPECT_EQ(calls_, 0);
}

TEST_F(HttpServerTest, RefusesAHeaderThatIsTooLarge) {
  Client client(server_->address());
  client.Send("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(1 << 20, 'a'));
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 431u);
  EXPECT_THAT(response.body(), HasSubstr("INPUT_TOO_LARGE"));
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
      "POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 100u);
  client.Send("{}");
  EXPECT_EQ(client.Read().result_int(), 200u);
}

TEST_F(HttpServerTest, MeetsNoOtherExpectation) {
  Client client(server_->address());
  client.Send("GET /echo HTTP/1.1\r\nHost: localhost\r\nExpect: a miracle\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 417u);
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpServerTest, KeepsAnHttp10ConnectionThatAsksForIt) {
  Client client(server_->address());
  for (int i = 0; i < 2; ++i) {
    client.Send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(client.Read()["Connection"], "keep-alive");
  }
}

constexpr std::chrono::milliseconds kShort{50};

class IdleLimitTest : public HttpServerTest {
 protected:
  IdleLimitTest() : HttpServerTest(With([](auto& options) { options.idle = kShort; })) {}
};

TEST_F(IdleLimitTest, ClosesAConnectionWithoutARequest) {
  Client client(server_->address());
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(IdleLimitTest, ClosesAConnectionWithoutAnotherRequest) {
  Client client(server_->address());
  client.Send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.Read();
  EXPECT_TRUE(client.IsClosed());
}

class HeaderLimitTest : public HttpServerTest {
 protected:
  HeaderLimitTest() : HttpServerTest(With([](auto& options) { options.header = kShort; })) {}
};

TEST_F(HeaderLimitTest, RefusesAHeaderThatTakesTooLongHoweverOftenAByteComes) {
  Client client(server_->address());
  client.Send("GET / HTTP/1.1\r\nX: ");
  while (!client.HasMore(kShort / 10)) client.Send("a");
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 408u);
  EXPECT_EQ(response["Connection"], "close");
  EXPECT_THAT(response.body(), HasSubstr("header"));
  EXPECT_TRUE(client.IsClosed());
}

class BodyLimitTest : public HttpServerTest {
 protected:
  BodyLimitTest() : HttpServerTest(With([](auto& options) { options.body = kShort; })) {}
};

TEST_F(BodyLimitTest, RefusesABodyThatTakesTooLongHoweverOftenAByteComes) {
  Client client(server_->address());
  client.Send(
      "POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 100000\r\n\r\n");
  while (!client.HasMore(kShort / 10)) client.Send(" ");
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 408u);
  EXPECT_EQ(response["Connection"], "close");
  EXPECT_THAT(response.body(), HasSubstr("body"));
  EXPECT_TRUE(client.IsClosed());
}

class WriteLimitTest : public HttpServerTest {
 protected:
  WriteLimitTest()
      : HttpServerTest(With([](auto& options) { options.write_timeout = kPatience; })) {}
  static constexpr std::chrono::milliseconds kPatience{1000};
};

TEST_F(WriteLimitTest, WaitsForWhoTakesAResponseSlowly) {
  Client client(server_->address());
  client.KeepLittle();
  const auto since = net::Clock::now();
  client.Send("GET /echo?name=large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::size_t taken = 0;
  while (taken < kLarge) {
    const std::size_t some = client.ReadSome();
    ASSERT_GT(some, 0u) << taken;
    taken += some;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_GT(net::Clock::now() - since, kPatience);
}

TEST_F(HttpServerTest, AnswersAHalfClosedClientWhatNeedsNoWaiting) {
  Client client(server_->address());
  client.Send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /no");
  client.CloseSendingSide();
  EXPECT_EQ(client.Read().result_int(), 200u);
  EXPECT_TRUE(client.IsClosed());
}

// A connection that is closed at each moment of a request's arrival: its end leaves no clock behind
// that would go on beating for a stream.
TEST(Connection, EndsWholeThoughARequestArrivesMeanwhile) {
  const auto* service = v1::GenerateRequest::descriptor()->file()->service(0);
  for (int turns = 0; turns < 8; ++turns) {
    net::EventLoop loop;
    asio::io_context& context = loop.context();
    rpc::Methods methods;
    methods.AddStream<v1::GenerateStreamRequest>(
        service->FindMethodByName("GenerateStream")->full_name(),
        [](v1::GenerateStreamRequest, rpc::MessageSink&,
           const Caller&) -> asio::awaitable<absl::Status> { co_return absl::OkStatus(); });
    const Admission admission{10};
    telemetry::Metrics metrics;
    const config::Server options;
    const Routes routes({service});
    const BrowserPolicy policy(options);
    const Page page;
    const std::string openapi;

    asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    asio::ip::tcp::socket client(context);
    client.connect(acceptor.local_endpoint());
    std::optional<Connection> connection;
    connection.emplace(acceptor.accept(),
                       rpc::Worker{&loop, nullptr, &methods, &admission, &metrics}, routes, policy,
                       page, openapi, options);
    asio::co_spawn(context, connection->Serve(),
                   asio::bind_cancellation_slot(connection->cancellation_slot(),
                                                [&](std::exception_ptr) { connection.reset(); }));
    context.poll();  // it waits for a request
    asio::write(
        client,
        asio::buffer(Post(
            "/v1/chat/completions",
            R"({"model": "", "stream": true, "messages": [{"role": "user", "content": "hi"}]})")));
    std::function<void(int)> close_after = [&](int left) {
      if (left == 0) {
        if (connection) connection->Close();
      } else {
        asio::post(context, [&, left] { close_after(left - 1); });
      }
    };
    close_after(turns);
    while (connection) context.run_one();
    loop.Join();
    context.run_for(std::chrono::seconds(60));
    EXPECT_TRUE(context.stopped()) << turns;
  }
}

}  // namespace
}  // namespace luna::http
