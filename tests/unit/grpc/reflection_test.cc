#include "server/grpc/reflection.h"

#include <memory>
#include <set>

#include <absl/strings/escaping.h>
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "echo.pb.h"
#include "luna/v1/emotion.pb.h"

namespace luna::grpc {
namespace {

using ::grpc::reflection::v1alpha::ServerReflection;
using ::grpc::reflection::v1alpha::ServerReflectionRequest;
using ::grpc::reflection::v1alpha::ServerReflectionResponse;
using testing::ElementsAre;

class ReflectionTest : public testing::Test {
 protected:
  explicit ReflectionTest(const auth::Tokens* tokens = nullptr)
      : reflection_({"a.One", "b.Two"}, tokens) {
    ::grpc::ServerBuilder builder;
    builder.RegisterService(&reflection_);
    server_ = builder.BuildAndStart();
    stub_ = ServerReflection::NewStub(server_->InProcessChannel({}));
  }
  ~ReflectionTest() override { server_->Shutdown(); }

  // The answer to one request, and how the call ended.
  ServerReflectionResponse Ask(const ServerReflectionRequest& request,
                               const std::string& authorization = "") {
    ::grpc::ClientContext context;
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    const auto stream = stub_->ServerReflectionInfo(&context);
    ServerReflectionResponse response;
    stream->Write(request);
    answered_ = stream->Read(&response);
    stream->WritesDone();
    status_ = stream->Finish();
    return response;
  }

  // The names of the files in an answer, in their order.
  static std::vector<std::string> Files(const ServerReflectionResponse& response) {
    std::vector<std::string> names;
    for (const auto& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      google::protobuf::FileDescriptorProto file;
      EXPECT_TRUE(file.ParseFromString(bytes));
      names.push_back(file.name());
    }
    return names;
  }

  // So that their descriptors are linked in.
  const luna::test::EchoRequest echo_;
  const v1::AnalyzeRequest emotion_;
  Reflection reflection_;
  std::unique_ptr<::grpc::Server> server_;
  std::unique_ptr<ServerReflection::Stub> stub_;
  bool answered_ = false;
  ::grpc::Status status_;
};

TEST_F(ReflectionTest, ListsTheServices) {
  ServerReflectionRequest request;
  request.set_list_services("*");
  const auto response = Ask(request);
  ASSERT_EQ(response.list_services_response().service_size(), 2);
  EXPECT_EQ(response.list_services_response().service(0).name(), "a.One");
  EXPECT_EQ(response.list_services_response().service(1).name(), "b.Two");
  EXPECT_EQ(response.original_request().list_services(), "*");
  EXPECT_TRUE(status_.ok());
}

TEST_F(ReflectionTest, GivesAFileAfterThoseThatItNeedsEachOnce) {
  ServerReflectionRequest request;
  request.set_file_by_filename("luna/v1/emotion.proto");  // needs annotations.proto twice
  EXPECT_THAT(Files(Ask(request)),
              ElementsAre("google/api/http.proto", "google/protobuf/descriptor.proto",
                          "google/api/annotations.proto", "google/protobuf/timestamp.proto",
                          "luna/v1/interaction.proto", "luna/v1/emotion.proto"));
}

TEST_F(ReflectionTest, FindsTheFileOfASymbol) {
  for (const std::string symbol :
       {"luna.test.EchoService", "luna.test.EchoService.Echo", "luna.test.EchoRequest.Nested"}) {
    ServerReflectionRequest request;
    request.set_file_containing_symbol(symbol);
    const std::vector<std::string> files = Files(Ask(request));
    ASSERT_FALSE(files.empty()) << symbol;
    EXPECT_EQ(files.back(), "echo.proto");
  }
}

TEST_F(ReflectionTest, FindsExtensions) {
  constexpr int kHttp = 72295728;  // google/api/annotations.proto
  ServerReflectionRequest request;
  request.set_all_extension_numbers_of_type("google.protobuf.MethodOptions");
  const auto response = Ask(request);
  EXPECT_THAT(response.all_extension_numbers_response().extension_number(),
              testing::Contains(kHttp));
  EXPECT_EQ(response.all_extension_numbers_response().base_type_name(),
            "google.protobuf.MethodOptions");
  request.mutable_file_containing_extension()->set_containing_type("google.protobuf.MethodOptions");
  request.mutable_file_containing_extension()->set_extension_number(kHttp);
  EXPECT_EQ(Files(Ask(request)).back(), "google/api/annotations.proto");
}

TEST_F(ReflectionTest, SaysWhatItDoesNotKnowAndGoesOn) {
  std::vector<ServerReflectionRequest> unknown(5);
  unknown[0].set_file_by_filename("none.proto");
  unknown[1].set_file_containing_symbol("none.None");
  unknown[2].mutable_file_containing_extension()->set_containing_type("none.None");
  unknown[3].mutable_file_containing_extension()->set_containing_type("luna.test.EchoRequest");
  unknown[4].set_all_extension_numbers_of_type("none.None");
  for (const auto& request : unknown) {
    EXPECT_EQ(Ask(request).error_response().error_code(), ::grpc::StatusCode::NOT_FOUND);
    EXPECT_TRUE(status_.ok());
  }
  EXPECT_EQ(Ask({}).error_response().error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
}

// SHA-256 of "first".
const auth::Tokens& Known() {
  static const auth::Tokens tokens(
      {{absl::HexStringToBytes("a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e"),
        "alice"}});
  return tokens;
}

class ReflectionTokensTest : public ReflectionTest {
 protected:
  ReflectionTokensTest() : ReflectionTest(&Known()) {}
};

TEST_F(ReflectionTokensTest, TellsNothingWithoutAToken) {
  ServerReflectionRequest request;
  request.set_list_services("*");
  for (const std::string authorization : {"", "Bearer second", "Basic first"}) {
    Ask(request, authorization);
    EXPECT_FALSE(answered_);
    EXPECT_EQ(status_.error_code(), ::grpc::StatusCode::UNAUTHENTICATED);
  }
  EXPECT_EQ(Ask(request, "Bearer first").list_services_response().service_size(), 2);
}

}  // namespace
}  // namespace luna::grpc
