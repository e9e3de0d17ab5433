#include "server/grpc/server.h"

#include <future>

#include <absl/strings/escaping.h>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include "echo.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/base/error.h"

namespace luna::grpc {
namespace {

using luna::test::EchoRequest;
using luna::test::EchoResponse;

// A server of the test-only service, for which no gRPC code was written.
class GrpcServerTest : public testing::Test {
 protected:
  explicit GrpcServerTest(const auth::Tokens* tokens = nullptr) : tokens_(tokens) {
    methods_.Add<EchoRequest, EchoResponse>(
        "luna.test.EchoService.Echo",
        [this](EchoRequest request, const Caller&) { return Echo(std::move(request)); });
    methods_.AddStream<EchoRequest>(
        "luna.test.EchoService.Count",
        [this](EchoRequest request, rpc::MessageSink& sink, const Caller&) {
          return Count(std::move(request), sink);
        });
    loop_.Start();
    options_.grpc = {"127.0.0.1", 0};
    Listen();
  }
  ~GrpcServerTest() override {
    if (server_ != nullptr) server_->Stop(net::Clock::now());
    loop_.Join();
  }

  void Listen() {
    auto server = Server::Listen(options_, {EchoRequest::descriptor()->file()->service(0)},
                                 {{&loop_, nullptr, &methods_, &admission_, &metrics_, tokens_}});
    server_ = *std::move(server);
    // A narrow channel: a long answer does not fit into it unless somebody takes it.
    ::grpc::ChannelArguments narrow;
    narrow.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    channel_ = ::grpc::CreateCustomChannel(server_->address(), ::grpc::InsecureChannelCredentials(),
                                           narrow);
  }

  boost::asio::awaitable<absl::StatusOr<EchoResponse>> Echo(EchoRequest request) {
    if (request.name() == "fail") {
      co_return MakeError(ErrorCode::kUpstreamQuota, "no more", std::chrono::milliseconds(1500));
    }
    if (request.name() == "throw") throw std::runtime_error("a bug");
    if (request.name() == "wait") {
      boost::asio::steady_timer never(loop_.context(), net::kForever);
      arrived_.set_value();
      struct Gone {
        std::promise<void>& gone;
        ~Gone() { gone.set_value(); }
      } gone{gone_};
      co_await never.async_wait(boost::asio::use_awaitable);
    }
    EchoResponse response;
    *response.mutable_request() = std::move(request);
    co_return response;
  }

  boost::asio::awaitable<absl::Status> Count(EchoRequest request, rpc::MessageSink& sink) {
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
    if (request.name() == "fail") co_return MakeError(ErrorCode::kUpstreamTimeout, "late");
    co_return absl::OkStatus();
  }

  // Calls Count and reads up to `most` responses, each of which is the number that it should be;
  // then leaves if there may be more.
  ::grpc::Status CallCount(const EchoRequest& request, int most, int* read) {
    ::grpc::ClientContext context;
    ::grpc::GenericStub stub(channel_);
    ::grpc::CompletionQueue queue;
    void* tag = nullptr;
    bool ok = false;
    const auto next = [&] { return queue.Next(&tag, &ok) && ok; };
    auto call = stub.PrepareCall(&context, "/luna.test.EchoService/Count", &queue);
    call->StartCall(nullptr);
    EXPECT_TRUE(next());
    call->WriteLast(ToBytes(request), {}, nullptr);
    EXPECT_TRUE(next());
    for (*read = 0; *read < most; ++*read) {
      ::grpc::ByteBuffer bytes;
      call->Read(&bytes, nullptr);
      if (!next()) break;
      EchoResponse response;
      EXPECT_TRUE(FromBytes(bytes, response));
      EXPECT_EQ(response.untouched(), *read);
    }
    if (*read == most) context.TryCancel();
    ::grpc::Status status;
    call->Finish(&status, nullptr);
    next();
    return status;
  }

  // One call; the bytes of the response go to `response`.
  ::grpc::Status Call(const ::grpc::ByteBuffer& request, EchoResponse* response,
                      ::grpc::ClientContext& context,
                      const std::string& path = "/luna.test.EchoService/Echo") {
    ::grpc::GenericStub stub(channel_);
    ::grpc::CompletionQueue queue;
    auto call = stub.PrepareUnaryCall(&context, path, request, &queue);
    call->StartCall();
    ::grpc::ByteBuffer bytes;
    ::grpc::Status status;
    call->Finish(&bytes, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    if (status.ok() && !FromBytes(bytes, *response)) ADD_FAILURE() << "not an EchoResponse";
    return status;
  }
  ::grpc::Status CallEcho(const std::string& name, EchoResponse* response) {
    EchoRequest request;
    request.set_name(name);
    ::grpc::ClientContext context;
    return Call(ToBytes(request), response, context);
  }

  net::EventLoop loop_;
  const auth::Tokens* const tokens_;
  rpc::Methods methods_;
  Admission admission_{10};
  telemetry::Metrics metrics_;
  config::Server options_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<::grpc::Channel> channel_;
  std::promise<void> arrived_;
  std::promise<void> gone_;
};

TEST_F(GrpcServerTest, ServesAnRpcThatItKnowsOnlyByItsDescriptor) {
  EchoResponse response;
  for (int i = 0; i < 100; ++i) {
    const ::grpc::Status status = CallEcho("루나", &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.request().name(), "루나");
  }
}

TEST_F(GrpcServerTest, GivesErrorsWithDetails) {
  const ::grpc::Status status = CallEcho("fail", nullptr);
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "no more");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  google::rpc::ErrorInfo info;
  google::rpc::RetryInfo retry;
  ASSERT_EQ(details.details_size(), 2);
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  ASSERT_TRUE(details.details(1).UnpackTo(&retry));
  EXPECT_EQ(info.reason(), "UPSTREAM_QUOTA");
  EXPECT_EQ(info.metadata().at("retryable"), "true");
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  EXPECT_EQ(retry.retry_delay().nanos(), 500000000);
}

TEST_F(GrpcServerTest, StreamsResponses) {
  EchoRequest request;
  request.set_count(1000);
  int read = 0;
  EXPECT_TRUE(CallCount(request, 2000, &read).ok());
  EXPECT_EQ(read, 1000);
}

TEST_F(GrpcServerTest, AStreamThatFailsSaysSoAtItsEnd) {
  EchoRequest request;
  request.set_count(3);
  request.set_name("fail");
  int read = 0;
  EXPECT_EQ(CallCount(request, 100, &read).error_code(), ::grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(read, 3);
}

TEST_F(GrpcServerTest, ACallerThatLeavesEndsItsStream) {
  EchoRequest request;
  request.set_count(2'000'000'000);
  int read = 0;
  EXPECT_EQ(CallCount(request, 1, &read).error_code(), ::grpc::StatusCode::CANCELLED);
  gone_.get_future().wait();
}

TEST_F(GrpcServerTest, TurnsABugIntoAnInternalError) {
  EXPECT_EQ(CallEcho("throw", nullptr).error_code(), ::grpc::StatusCode::INTERNAL);
}

TEST_F(GrpcServerTest, RefusesWhatIsNoSuchMessage) {
  ::grpc::Slice slice("\x0A\x02\xFF\xFF");
  ::grpc::ClientContext context;
  const ::grpc::Status status = Call(::grpc::ByteBuffer(&slice, 1), nullptr, context);
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), testing::HasSubstr("luna.test.EchoRequest"));
}

TEST_F(GrpcServerTest, SaysUnimplementedForAnUnknownMethod) {
  ::grpc::ClientContext context;
  const ::grpc::Status status =
      Call(ToBytes(EchoRequest()), nullptr, context, "/luna.test.EchoService/None");
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(GrpcServerTest, CancelsTheHandlerWhenTheCallerLeaves) {
  ::grpc::ClientContext context;
  EchoRequest request;
  request.set_name("wait");
  auto call =
      std::async(std::launch::async, [&] { return Call(ToBytes(request), nullptr, context); });
  arrived_.get_future().wait();
  context.TryCancel();
  gone_.get_future().wait();
  EXPECT_EQ(call.get().error_code(), ::grpc::StatusCode::CANCELLED);
}

// SHA-256 of "first" and of "second".
const auth::Tokens& Known() {
  static const auth::Tokens tokens(
      {{absl::HexStringToBytes("a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e"),
        "alice"},
       {absl::HexStringToBytes("16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4"),
        "*"}});
  return tokens;
}

class GrpcTokensTest : public GrpcServerTest {
 protected:
  GrpcTokensTest() : GrpcServerTest(&Known()) {}

  // A call for `user_id` with these values of `authorization`.
  ::grpc::Status CallAs(const std::vector<std::string>& authorizations, const std::string& user_id,
                        EchoResponse* response = nullptr) {
    EchoRequest request;
    request.set_user_id(user_id);
    ::grpc::ClientContext context;
    for (const std::string& one : authorizations) context.AddMetadata("authorization", one);
    EchoResponse ignored;
    return Call(ToBytes(request), response == nullptr ? &ignored : response, context);
  }
};

TEST_F(GrpcTokensTest, RefusesACallerWithoutAToken) {
  const std::vector<std::vector<std::string>> wrong = {
      {}, {"Bearer third"}, {"Basic first"}, {"first"}, {"Bearer first", "Bearer first"}};
  for (const auto& authorizations : wrong) {
    EXPECT_EQ(CallAs(authorizations, "alice").error_code(), ::grpc::StatusCode::UNAUTHENTICATED);
  }
}

TEST_F(GrpcTokensTest, BindsARequestToTheTokensUser) {
  EchoResponse response;
  EXPECT_TRUE(CallAs({"Bearer first"}, "", &response).ok());
  EXPECT_EQ(response.request().user_id(), "alice");
  EXPECT_TRUE(CallAs({"bearer first"}, "alice", &response).ok());
  EXPECT_EQ(response.request().user_id(), "alice");
  const ::grpc::Status refused = CallAs({"Bearer first"}, "bob");
  EXPECT_EQ(refused.error_code(), ::grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(refused.error_message(), testing::HasSubstr("user_id"));
}

TEST_F(GrpcTokensTest, LetsAServiceNameAnyUser) {
  EchoResponse response;
  EXPECT_TRUE(CallAs({"Bearer second"}, "bob", &response).ok());
  EXPECT_EQ(response.request().user_id(), "bob");
  EXPECT_TRUE(CallAs({"Bearer second"}, "", &response).ok());
  EXPECT_EQ(response.request().user_id(), "");
}

TEST_F(GrpcServerTest, LetsACallerGoThatDoesNotTakeItsAnswer) {
  server_->Stop(net::Clock::now());
  options_.write_timeout = std::chrono::milliseconds(100);
  Listen();
  EchoRequest request;
  request.set_name(std::string(200'000, 'a'));
  ::grpc::ClientContext context;
  ::grpc::GenericStub stub(channel_);
  ::grpc::CompletionQueue queue;
  auto call =
      stub.PrepareUnaryCall(&context, "/luna.test.EchoService/Echo", ToBytes(request), &queue);
  call->StartCall();
  void* tag = nullptr;
  bool ok = false;
  call->ReadInitialMetadata(nullptr);
  ASSERT_TRUE(queue.Next(&tag, &ok) && ok);

  const net::TimePoint until = net::Clock::now() + std::chrono::seconds(20);
  server_->Stop(until);  // waits for the call
  EXPECT_LT(net::Clock::now(), until);
  server_.reset();
  ::grpc::ByteBuffer bytes;
  ::grpc::Status status;
  call->Finish(&bytes, &status, nullptr);
  queue.Next(&tag, &ok);
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::CANCELLED);
}

TEST_F(GrpcServerTest, SaysThatThePortIsTaken) {
  config::Server options;
  const std::string address = server_->address();
  options.grpc = {"127.0.0.1", std::stoi(address.substr(address.rfind(':') + 1))};
  const auto second = Server::Listen(options, {EchoRequest::descriptor()->file()->service(0)},
                                     {{&loop_, nullptr, &methods_, &admission_, &metrics_}});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), testing::HasSubstr(address));
}

}  // namespace
}  // namespace luna::grpc
