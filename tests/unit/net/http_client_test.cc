#include "server/net/http_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <optional>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/guard.h"
#include "tests/support/raw_server.h"

namespace luna::net {
namespace {

using test::RawServer;
using testing::HasSubstr;

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Word: 안녕\r\n\r\nhello";

// While it lives, the process gets no descriptor.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = open("/dev/null", O_RDONLY);
    close(lowest_free);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(lowest_free);
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

class HttpClientTest : public testing::Test {
 protected:
  // Runs `work` on the context until it has ended.
  template <class Result>
  Result Run(asio::awaitable<Result> work) {
    std::optional<Result> result;
    asio::co_spawn(context_, Guard(std::move(work)),
                   [&](std::exception_ptr, Result value) { result = std::move(value); });
    context_.restart();  // it stops where there is nothing more to do
    while (!result) context_.run_one();
    return *std::move(result);
  }

  asio::awaitable<absl::StatusOr<std::string>> Get(HttpRequest request) {
    HttpExchange exchange = client_.Send(std::move(request));
    absl::Status status = co_await exchange.Headers(kForever);
    if (!status.ok()) co_return status;
    std::string body = std::to_string(exchange.status()) + " ";
    for (;;) {
      auto piece = co_await exchange.Read(kForever);
      if (!piece.ok()) co_return piece.status();
      if (piece->empty()) co_return body;
      body += *piece;
    }
  }

  asio::io_context context_;
  HttpClient client_{context_, {.max_response_bytes = 1 << 20}};
};

TEST_F(HttpClientTest, SendsTheRequestAndGivesTheResponse) {
  std::string seen;
  RawServer server(1, [&](RawServer::Socket& socket) {
    seen = RawServer::ReadHeaders(socket);
    RawServer::Write(socket, kOk);
  });
  const auto body = Run(Get({.url = server.url() + "/a?b=c", .headers = {"X-A: 1"}, .body = "x"}));
  ASSERT_TRUE(body.ok()) << body.status();
  EXPECT_EQ(*body, "200 hello");
  EXPECT_THAT(seen, HasSubstr("POST /a?b=c HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("X-A: 1\r\n"));
  EXPECT_THAT(seen, HasSubstr("Content-Length: 1\r\n"));
}

TEST_F(HttpClientTest, AResponseThatComesBeforeTheBodyIsSentDoesNotHarmIt) {
  std::string body(8 << 20, 'x');  // more than the sockets hold
  for (std::size_t i = 0; i < body.size(); i += 1000) body[i] = static_cast<char>('a' + i % 26);
  std::string seen;
  RawServer server(1, [&](RawServer::Socket& socket) {
    seen = RawServer::ReadHeaders(socket);
    RawServer::Write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    seen.erase(0, seen.find("\r\n\r\n") + 4);
    boost::asio::read(socket, boost::asio::dynamic_buffer(seen),
                      boost::asio::transfer_exactly(body.size() - seen.size()));
    RawServer::Write(socket, "lo");
  });
  const auto response = Run(Get({.url = server.url(), .body = body}));
  server.Join();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(*response, "200 hello");
  EXPECT_TRUE(seen == body);
}

TEST_F(HttpClientTest, GivesHeadersInAnyCase) {
  RawServer server(1, [](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    RawServer::Write(socket, kOk);
  });
  const auto read = [&]() -> asio::awaitable<absl::StatusOr<std::string>> {
    HttpRequest request;
    request.url = server.url();
    HttpExchange exchange = client_.Send(std::move(request));
    (void)co_await exchange.Headers(kForever);
    co_return exchange.header("x-wOrD") + exchange.header("none");
  };
  EXPECT_EQ(*Run(read()), "안녕");
}

TEST_F(HttpClientTest, KeepsConnectionsAlive) {
  RawServer server(1, [](RawServer::Socket& socket) {
    for (int i = 0; i < 3; ++i) {
      RawServer::ReadHeaders(socket);
      RawServer::Write(socket, kOk);
    }
  });
  for (int i = 0; i < 3; ++i) {
    const auto body = Run(Get({.url = server.url()}));
    ASSERT_TRUE(body.ok()) << body.status();
  }
}

TEST_F(HttpClientTest, SendsNoRequestTwice) {
  int connection = 0;
  std::string sent_again;
  RawServer server(2, [&](RawServer::Socket& socket) {
    if (++connection == 1) {
      RawServer::ReadHeaders(socket);
      RawServer::Write(socket, kOk);
      RawServer::ReadHeaders(socket);
      socket.close();
    } else {  // libcurl connects again before it asks whether it may send again
      boost::system::error_code closed;
      boost::asio::read_until(socket, boost::asio::dynamic_buffer(sent_again), "\r\n\r\n", closed);
      if (!closed) RawServer::Write(socket, kOk);
    }
  });
  EXPECT_EQ(*Run(Get({.url = server.url(), .body = "x"})), "200 hello");
  const auto lost = Run(Get({.url = server.url(), .body = "x"}));
  EXPECT_TRUE(absl::IsAborted(lost.status())) << lost.status();
  EXPECT_THAT(std::string(lost.status().message()), HasSubstr("kept connection"));
  server.Join();
  EXPECT_EQ(sent_again, "");
}

TEST_F(HttpClientTest, TakesAFreshConnectionWhereOneIsAskedFor) {
  std::vector<RawServer::Socket> kept;
  RawServer server(2, [&](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    RawServer::Write(socket, kOk);
    kept.push_back(std::move(socket));
  });
  for (int i = 0; i < 2; ++i) {  // on the first one, it would wait for ever
    EXPECT_EQ(*Run(Get({.url = server.url(), .fresh_connection = true})), "200 hello");
  }
  server.Join();
  kept.clear();
}

TEST_F(HttpClientTest, FollowsNoRedirect) {
  RawServer server(1, [](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    RawServer::Write(socket, "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n");
  });
  EXPECT_EQ(*Run(Get({.url = server.url()})), "302 ");
}

TEST_F(HttpClientTest, SaysThatNobodyListens) {
  std::string url;
  {
    url = RawServer(0, [](RawServer::Socket&) {}).url();
  }
  const auto body = Run(Get({.url = url}));
  EXPECT_TRUE(absl::IsUnavailable(body.status()));
  EXPECT_THAT(std::string(body.status().message()), HasSubstr("127.0.0.1"));
}

TEST_F(HttpClientTest, WithoutADescriptorNoResponseCanBeHad) {
  const RawServer::Socket opens_the_loops_own_descriptors(context_);
  const auto get_without = [&](const std::string& url) {
    const NoDescriptors none;
    return Run(Get({.url = url}));
  };
  asio::ip::tcp::acceptor silent(context_, {asio::ip::address_v4::loopback(), 0});
  const std::string url_of_silent =
      "http://127.0.0.1:" + std::to_string(silent.local_endpoint().port());
  const auto without_epoll = get_without(url_of_silent);
  EXPECT_TRUE(absl::IsUnavailable(without_epoll.status())) << without_epoll.status();
  EXPECT_THAT(std::string(without_epoll.status().message()), HasSubstr("descriptors"));
  {
    // Gone before the next: its thread would want a descriptor, too.
    RawServer server(1, [](RawServer::Socket& socket) {
      RawServer::ReadHeaders(socket);
      RawServer::Write(socket,
                       "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    });
    EXPECT_EQ(*Run(Get({.url = server.url()})), "200 ok");
  }
  for (const std::string& url : {url_of_silent, std::string("http://localhost:1/")}) {
    const auto without_socket = get_without(url);
    EXPECT_TRUE(absl::IsUnavailable(without_socket.status())) << without_socket.status();
  }
}

TEST_F(HttpClientTest, ACutBodyIsAnError) {
  RawServer server(1, [](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    RawServer::Write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
  });
  EXPECT_TRUE(absl::IsUnavailable(Run(Get({.url = server.url()})).status()));
}

TEST_F(HttpClientTest, ATooLargeResponseIsAnError) {
  RawServer server(1, [](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    boost::system::error_code error;
    const std::string much =
        "HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n" + std::string(4000000, 'x');
    boost::asio::write(socket, boost::asio::buffer(much), error);
  });
  EXPECT_TRUE(absl::IsOutOfRange(Run(Get({.url = server.url()})).status()));
}

TEST_F(HttpClientTest, ADeadlineLeavesTheExchangeAlive) {
  std::promise<void> go;
  RawServer server(1, [&](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    go.get_future().wait();
    RawServer::Write(socket, kOk);
  });
  const auto read = [&]() -> asio::awaitable<absl::Status> {
    HttpRequest request;
    request.url = server.url();
    HttpExchange exchange = client_.Send(std::move(request));
    const absl::Status early = co_await exchange.Headers(Clock::now());
    EXPECT_TRUE(absl::IsDeadlineExceeded(early));
    go.set_value();
    co_return co_await exchange.Headers(kForever);
  };
  EXPECT_TRUE(Run(read()).ok());
}

TEST_F(HttpClientTest, DestroyingTheExchangeClosesItsConnection) {
  std::atomic<bool> closed = false;
  {
    RawServer server(1, [&](RawServer::Socket& socket) {
      RawServer::ReadHeaders(socket);
      RawServer::WaitUntilClosed(socket);
      closed = true;
    });
    const auto leave = [&]() -> asio::awaitable<absl::Status> {
      HttpRequest request;
      request.url = server.url();
      HttpExchange exchange = client_.Send(std::move(request));
      co_return co_await exchange.Headers(Clock::now() + std::chrono::milliseconds(20));
    };
    EXPECT_TRUE(absl::IsDeadlineExceeded(Run(leave())));
  }
  EXPECT_TRUE(closed);
}

TEST_F(HttpClientTest, CancellingTheCoroutineClosesItsConnection) {
  RawServer server(1, [&](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    RawServer::WaitUntilClosed(socket);
  });
  asio::cancellation_signal cancel;
  std::optional<absl::StatusOr<std::string>> result;
  asio::co_spawn(context_, Guard(Get({.url = server.url()})),
                 asio::bind_cancellation_slot(
                     cancel.slot(), [&](std::exception_ptr, absl::StatusOr<std::string> value) {
                       result = std::move(value);
                     }));
  context_.run_one();
  cancel.emit(asio::cancellation_type::terminal);
  while (!result) context_.run_one();
  EXPECT_TRUE(absl::IsCancelled(result->status()));
}

TEST_F(HttpClientTest, ASlowReaderStopsTheSender) {
  std::atomic<std::size_t> sent = 0;
  std::promise<void> stuck;
  constexpr std::size_t kMuch = 30 << 20;
  HttpClient client(context_, {.max_response_bytes = 64 << 20});
  RawServer server(1, [&](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    socket.set_option(boost::asio::socket_base::send_buffer_size(64 << 10));
    RawServer::Write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 31457280\r\n\r\n");
    socket.non_blocking(true);
    const std::string block(64 << 10, 'x');
    boost::system::error_code error;
    while (sent < kMuch) {
      const std::size_t want = std::min(block.size(), kMuch - sent);
      sent += socket.write_some(boost::asio::buffer(block.data(), want), error);
      if (error != boost::asio::error::would_block) continue;
      // Half a second without room: the receiver has stopped reading.
      pollfd poll{socket.native_handle(), POLLOUT, 0};
      if (::poll(&poll, 1, 500) == 0) {
        stuck.set_value();
        socket.non_blocking(false);
        while (sent < kMuch) {
          const std::size_t rest = std::min(block.size(), kMuch - sent);
          sent += boost::asio::write(socket, boost::asio::buffer(block.data(), rest));
        }
      }
    }
  });
  const auto read = [&]() -> asio::awaitable<absl::StatusOr<std::string>> {
    HttpRequest request;
    request.url = server.url();
    HttpExchange exchange = client.Send(std::move(request));
    (void)co_await exchange.Headers(kForever);
    asio::steady_timer look(context_);
    auto is_stuck = stuck.get_future();
    while (is_stuck.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      look.expires_after(std::chrono::milliseconds(10));
      co_await look.async_wait(asio::use_awaitable);
    }
    EXPECT_LT(sent, kMuch);
    std::size_t got = 0;
    for (;;) {
      auto piece = co_await exchange.Read(kForever);
      if (!piece.ok()) co_return piece.status();
      if (piece->empty()) co_return std::to_string(got);
      got += piece->size();
    }
  };
  EXPECT_EQ(*Run(read()), std::to_string(kMuch));
}

TEST_F(HttpClientTest, ManyAtOnceAllEnd) {
  constexpr int kMany = 300;  // more than one multi handle takes
  RawServer server(kMany, [](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    RawServer::Write(socket, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
  });
  int ended = 0;
  for (int i = 0; i < kMany; ++i) {
    asio::co_spawn(context_, Guard(Get({.url = server.url()})),
                   [&](std::exception_ptr, absl::StatusOr<std::string> body) {
                     EXPECT_TRUE(body.ok()) << body.status();
                     ++ended;
                   });
  }
  while (ended < kMany) context_.run_one();
}

TEST(Signal, RemembersANotificationThatCameFirst) {
  asio::io_context context;
  Signal signal(context);
  signal.Notify();
  bool notified = false;
  asio::co_spawn(
      context, [&]() -> asio::awaitable<void> { notified = co_await signal.Wait(kForever); },
      asio::detached);
  context.run();
  EXPECT_TRUE(notified);
}

}  // namespace
}  // namespace luna::net
