#include "server/http/sse_sink.h"

#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/guard.h"

namespace luna::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;

v1::InteractResponse Chunk(const std::string& text) {
  v1::InteractResponse event;
  event.mutable_llm_chunk()->set_text(text);
  return event;
}

// A sink on one end of a real connection.
class SseSinkTest : public testing::Test {
 protected:
  SseSinkTest() {
    tcp::acceptor acceptor(context_, {asio::ip::address_v4::loopback(), 0});
    client_.connect(acceptor.local_endpoint());
    acceptor.accept(socket_);
    socket_.non_blocking(true);
  }
  ~SseSinkTest() override {
    if (sink_) sink_->Stop();
  }

  void Open(SseSink::Options options) {
    sink_ = std::make_shared<SseSink>(socket_, std::move(options));
    sink_->Start();
  }

  absl::Status Run(asio::awaitable<absl::Status> work) {
    std::optional<absl::Status> status;
    asio::co_spawn(context_, Guard(std::move(work)),
                   [&](std::exception_ptr, absl::Status result) { status = result; });
    while (!status) context_.run_one();
    return *status;
  }

  // Runs the loop until the client has received `text`, and returns all that it has.
  const std::string& ReceiveUntil(const std::string& text) {
    client_.non_blocking(true);
    while (received_.find(text) == std::string::npos) {
      context_.run_one_for(milliseconds(10));
      char bytes[4096];
      boost::system::error_code error;
      const std::size_t count = client_.read_some(asio::buffer(bytes), error);
      received_.append(bytes, count);
    }
    return received_;
  }

  asio::io_context context_;
  tcp::socket socket_{context_};
  tcp::socket client_{context_};
  std::shared_ptr<SseSink> sink_;
  std::string received_;
};

TEST_F(SseSinkTest, SendsTheHeadersWithTheFirstEvent) {
  Open({});
  EXPECT_FALSE(sink_->started());
  ASSERT_TRUE(Run(sink_->Emit(Chunk("가"))).ok());
  EXPECT_TRUE(sink_->started());
  const std::string& all = ReceiveUntil("\n\n\r\n");
  EXPECT_THAT(all, HasSubstr("Content-Type: text/event-stream; charset=utf-8\r\n"));
  EXPECT_THAT(all, HasSubstr("Cache-Control: no-store, no-transform\r\n"));
  EXPECT_THAT(all,
              EndsWith("\r\n\r\n2c\r\ndata: {\"type\": \"llm_chunk\", \"data\": \"가\"}\n\n\r\n"));
}

TEST_F(SseSinkTest, SendsACommentLineAtEveryHeartbeat) {
  Open({.heartbeat = milliseconds(5), .headers_at_latest = milliseconds(5)});
  EXPECT_THAT(ReceiveUntil("\r\n\r\n"), HasSubstr("text/event-stream"));
  ReceiveUntil("2\r\n:\n\r\n2\r\n:\n\r\n");
  EXPECT_EQ(received_.find("\n\n"), std::string::npos);
}

TEST_F(SseSinkTest, EndsTheBodyOnce) {
  Open({});
  ASSERT_TRUE(Run(sink_->Emit(Chunk("a"))).ok());
  ASSERT_TRUE(Run(sink_->Finish()).ok());
  EXPECT_THAT(ReceiveUntil("\r\n0\r\n\r\n"), EndsWith("\r\n0\r\n\r\n"));
}

TEST_F(SseSinkTest, WithoutChunksTheBodyIsAsItIs) {
  Open({.body = {.chunked = false, .keep_alive = false}});
  ASSERT_TRUE(Run(sink_->Emit(Chunk("a"))).ok());
  const std::string& all = ReceiveUntil("\n\n");
  EXPECT_THAT(all, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(all.find("Transfer-Encoding"), std::string::npos);
  EXPECT_THAT(all, EndsWith("\r\n\r\ndata: {\"type\": \"llm_chunk\", \"data\": \"a\"}\n\n"));
}

TEST_F(SseSinkTest, AClientThatReadsNothingIsLetGo) {
  Open({.body = {.write_timeout = milliseconds(5)}});
  const auto flood = [this]() -> asio::awaitable<absl::Status> {
    for (;;) {
      const absl::Status sent = co_await sink_->Emit(Chunk(std::string(100000, 'x')));
      if (!sent.ok()) co_return sent;
    }
  };
  EXPECT_TRUE(absl::IsCancelled(Run(flood())));
}

TEST_F(SseSinkTest, AClientThatHasGoneIsNoticedByAWrite) {
  Open({});
  client_.close();
  const auto flood = [this]() -> asio::awaitable<absl::Status> {
    for (;;) {
      const absl::Status sent = co_await sink_->Emit(Chunk(std::string(100000, 'x')));
      if (!sent.ok()) co_return sent;
    }
  };
  EXPECT_TRUE(absl::IsCancelled(Run(flood())));
}

}  // namespace
}  // namespace luna::http
