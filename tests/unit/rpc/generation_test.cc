#include "server/rpc/generation.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/guard.h"
#include "server/storage/connection.h"
#include "tests/support/raw_server.h"
#include "tests/support/temporary_folder.h"

namespace luna::rpc {
namespace {

namespace asio = boost::asio;
using test::RawServer;

constexpr char kHeaders[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
constexpr char kStop[] =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: [DONE]\n\n";

std::string Delta(const std::string& text) {
  return "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + text + "\"}}]}\n\n";
}

// Has room once the test says so, or tells that its caller has gone.
class SlowSink final : public MessageSink {
 public:
  explicit SlowSink(asio::io_context& context) : room_(context) {}

  void Put(const google::protobuf::Message& message) override {
    const auto& part = static_cast<const v1::GenerateStreamResponse&>(message);
    told.push_back(part.choices(0).has_finish_reason() ? part.choices(0).finish_reason()
                                                       : part.choices(0).delta().content());
  }
  asio::awaitable<absl::Status> Room() override {
    if (gone) co_return absl::CancelledError("the caller has gone");
    while (full) {
      waits = true;
      (void)co_await room_.Wait(net::kForever);
    }
    co_return absl::OkStatus();
  }
  void MakeRoom() {
    full = false;
    room_.Notify();
  }

  std::vector<std::string> told;
  bool gone = false;
  bool full = false;
  bool waits = false;

 private:
  net::Signal room_;
};

// One target, a loopback server that does what the test says.
class GenerationTest : public testing::Test {
 protected:
  // Begins to ask the model at `url`.
  void Ask(const std::string& url) {
    config::Target& target = config_.llm.targets["main"];
    target.api = config::Target::Api::kOpenAi;
    target.name = "main";
    target.url = url;
    target.model = "Luna";
    config_.llm.default_target = "main";
    config_.llm.retries.count = 0;
    ASSERT_TRUE(storage::Prepare(folder_ / "luna.db", false).ok());
    database_.emplace(folder_ / "luna.db", [] {});
    cache_.emplace(config_.cache, *database_, metrics_);
    targets_.emplace(config_.llm, client_, metrics_);
    generation_.emplace(config_, *targets_, *cache_, admission_, metrics_);
    v1::GenerateStreamRequest request;
    request.set_input("안녕");
    asio::co_spawn(context_, Guard(generation_->GenerateStream(std::move(request), sink_, caller_)),
                   [this](std::exception_ptr, absl::Status status) { result_ = status; });
  }

  asio::io_context context_;
  net::HttpClient client_{context_, {}};
  config::Config config_;
  Admission admission_{10};
  telemetry::Metrics metrics_;
  Caller caller_{"test", "id-1", absl::OkStatus()};
  test::TemporaryFolder folder_;
  std::optional<storage::Database> database_;
  std::optional<ResponseCache> cache_;
  std::optional<llm::Targets> targets_;
  std::optional<Generation> generation_;
  SlowSink sink_{context_};
  std::optional<absl::Status> result_;
};

TEST_F(GenerationTest, ASinkThatHasGoneStopsTheUpstream) {
  sink_.gone = true;
  RawServer server(1, [](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    RawServer::Write(socket, kHeaders + Delta("하나 둘 셋"));
    RawServer::WaitUntilClosed(socket);
  });
  Ask(server.url());
  while (!result_) context_.run_one();
  EXPECT_TRUE(absl::IsCancelled(*result_));
}

TEST_F(GenerationTest, WithoutRoomNothingMoreIsTaken) {
  sink_.full = true;
  RawServer server(1, [](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    RawServer::Write(socket, kHeaders + Delta("하나 "));
    RawServer::Write(socket, Delta("둘 셋") + kStop);
  });
  config_.stream.chunking = config::Stream::Chunking::kRaw;
  Ask(server.url());
  while (!sink_.waits) context_.run_one();
  const std::vector<std::string> told = sink_.told;
  server.Join();
  context_.poll();
  EXPECT_EQ(sink_.told, told);
  EXPECT_FALSE(result_);
  sink_.MakeRoom();
  while (!result_) context_.run_one();
  EXPECT_TRUE(result_->ok());
  EXPECT_EQ(sink_.told.back(), "stop");
}

}  // namespace
}  // namespace luna::rpc
