#include "server/http/routes.h"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "echo.pb.h"
#include "luna/v1/interaction.pb.h"
#include "luna/v1/memory.pb.h"

namespace luna::http {
namespace {

using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

const google::protobuf::ServiceDescriptor* Echo() {
  return luna::test::EchoRequest::descriptor()->file()->service(0);
}

TEST(Routes, ComeFromTheAnnotations) {
  const Routes routes({v1::InteractRequest::descriptor()->file()->service(0)});
  const Match stream = routes.Find("POST", "/interact/stream");
  ASSERT_NE(stream.route, nullptr);
  EXPECT_EQ(stream.route->method->full_name(), "luna.v1.InteractionService.Interact");
  EXPECT_EQ(stream.route->body, "*");
  const Match unary = routes.Find("POST", "/interact");
  ASSERT_NE(unary.route, nullptr);
  EXPECT_EQ(unary.route->method->name(), "Answer");
}

TEST(Routes, DecodeVariables) {
  const Routes routes({Echo()});
  const Match match = routes.Find("POST", "/echo/%EB%A3%A8%EB%82%98%2F1");
  ASSERT_NE(match.route, nullptr);
  EXPECT_THAT(match.variables, UnorderedElementsAre(Pair("name", "루나/1")));
}

TEST(Routes, PreferLiteralSegments) {
  const Routes routes({Echo()});
  const Match match = routes.Find("PUT", "/echo/nested");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.route->body, "nested");
}

TEST(Routes, NameTheMethodsOfAKnownPath) {
  const Routes routes({Echo()});
  const Match match = routes.Find("DELETE", "/echo/nested");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_THAT(match.allowed, UnorderedElementsAre("PUT", "POST"));
}

TEST(Routes, TakeWhatALiteralPathFitsForNoNumber) {
  const Routes routes({v1::ListRecentRequest::descriptor()->file()->service(0)});
  const Match search = routes.Find("GET", "/memory/conversations/search");
  EXPECT_EQ(search.route, nullptr);
  EXPECT_THAT(search.allowed, testing::ElementsAre("POST"));
  EXPECT_NE(routes.Find("GET", "/memory/conversations/7").route, nullptr);
  EXPECT_NE(routes.Find("GET", "/memory/conversations/abc").route, nullptr);  // a bad id
  EXPECT_NE(routes.Find("DELETE", "/memory/conversations/abc").route, nullptr);
}

TEST(Routes, KnowNoOtherPath) {
  const Routes routes({Echo()});
  for (const char* path : {"", "/", "/ech", "/echo/", "/echo/a/b", "/echo/%zz", "echo"}) {
    const Match match = routes.Find("POST", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_THAT(match.allowed, IsEmpty()) << path;
  }
}

TEST(Routes, RefuseTheSameRouteTwice) {
  EXPECT_THROW(Routes({Echo(), Echo()}), std::invalid_argument);
}

}  // namespace
}  // namespace luna::http
