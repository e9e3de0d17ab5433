#include <string>

#include <absl/strings/escaping.h>

#include "tests/unit/http/echo_server.h"

namespace luna::http {
namespace {

// SHA-256 of "first" and of "second".
const auth::Tokens& Known() {
  static const auth::Tokens tokens(
      {{absl::HexStringToBytes("a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e"),
        "alice"},
       {absl::HexStringToBytes("16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4"),
        "*"}});
  return tokens;
}

class HttpTokensTest : public HttpServerTest {
 protected:
  HttpTokensTest() : HttpServerTest({}, &Known()), client_(server_->address()) {}

  // All on one connection.
  beast::http::response<beast::http::string_body> Ask(const std::string& line,
                                                      const std::string& fields = "") {
    client_.Send(line + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
    return client_.Read();
  }

  Client client_;
};

constexpr char kAlice[] = "Authorization: Bearer first\r\n";
constexpr char kService[] = "Authorization: Bearer second\r\n";

TEST_F(HttpTokensTest, RefusesACallerWithoutAToken) {
  for (const std::string line : {"GET /echo", "GET /metrics", "GET /nothing", "DELETE /echo"}) {
    const auto response = Ask(line);
    EXPECT_EQ(response.result_int(), 401u) << line;
    EXPECT_EQ(response["WWW-Authenticate"], "Bearer realm=\"luna\"");
    EXPECT_THAT(response.body(), HasSubstr(R"("reason":"UNAUTHENTICATED")"));
  }
  EXPECT_EQ(calls_, 0);
}

TEST_F(HttpTokensTest, RefusesATokenThatItDoesNotKnow) {
  const std::string once = kAlice;
  for (const std::string& fields :
       {std::string("Authorization: Bearer third\r\n"),
        std::string("Authorization: Basic first\r\n"), std::string("Authorization: first\r\n"),
        std::string("Authorization:\r\n"), once + once}) {
    const auto response = Ask("GET /echo", fields);
    EXPECT_EQ(response.result_int(), 401u) << fields;
    EXPECT_EQ(response["WWW-Authenticate"], "Bearer realm=\"luna\", error=\"invalid_token\"");
  }
  EXPECT_EQ(calls_, 0);
}

TEST_F(HttpTokensTest, WantsNoTokenForHealthTheDescriptionAndPreflights) {
  EXPECT_EQ(Ask("GET /health").result_int(), 200u);
  EXPECT_THAT(Ask("GET /openapi.json").body(), HasSubstr(R"("scheme":"bearer")"));
  EXPECT_EQ(Ask("OPTIONS /echo").result_int(), 204u);
  EXPECT_EQ(Ask("OPTIONS /echo", "Access-Control-Request-Method: GET\r\n").result_int(), 204u);
}

TEST_F(HttpTokensTest, GivesMetricsToAnyToken) {
  EXPECT_EQ(Ask("GET /metrics", kAlice).result_int(), 200u);
  EXPECT_EQ(Ask("GET /metrics", kService).result_int(), 200u);
}

TEST_F(HttpTokensTest, BindsARequestToTheTokensUser) {
  const std::string user = R"("user_id":"alice")";
  EXPECT_THAT(Ask("GET /echo", kAlice).body(), HasSubstr(user));
  EXPECT_THAT(Ask("GET /echo?user_id=alice", "authorization: bearer  first\r\n").body(),
              HasSubstr(user));
  const std::string fields = std::string("Content-Type: application/json\r\n") + kAlice;
  client_.Send(Post("/echo/a", "{}", fields));
  EXPECT_THAT(client_.Read().body(), HasSubstr(user));
}

TEST_F(HttpTokensTest, RefusesAnotherUserWhereverHeIsNamed) {
  EXPECT_EQ(Ask("GET /echo?user_id=bob", kAlice).result_int(), 403u);
  EXPECT_EQ(Ask("GET /echo?userId=bob", kAlice).result_int(), 403u);
  const std::string fields = std::string("Content-Type: application/json\r\n") + kAlice;
  for (const std::string body : {R"({"user_id": "bob"})", R"({"userId": "bob"})"}) {
    client_.Send(Post("/echo/a", body, fields));
    const auto response = client_.Read();
    EXPECT_EQ(response.result_int(), 403u);
    EXPECT_THAT(response.body(), HasSubstr(R"("reason":"PERMISSION_DENIED")"));
  }
  EXPECT_EQ(calls_, 0);
}

TEST_F(HttpTokensTest, LetsAServiceNameAnyUser) {
  EXPECT_THAT(Ask("GET /echo?user_id=bob", kService).body(), HasSubstr(R"("user_id":"bob")"));
}

TEST_F(HttpTokensTest, ForgetsTheUserOfTheRequestBefore) {
  EXPECT_THAT(Ask("GET /echo", kAlice).body(), HasSubstr(R"("user_id":"alice")"));
  EXPECT_THAT(Ask("GET /echo", kService).body(), HasSubstr(R"("user_id":"")"));
  EXPECT_EQ(Ask("GET /echo").result_int(), 401u);
}

TEST_F(HttpTokensTest, TakesAnyHostButNotAnyOrigin) {
  client_.Send("GET /health HTTP/1.1\r\nHost: luna.example\r\n\r\n");
  EXPECT_EQ(client_.Read().result_int(), 200u);
  const std::string origin = "Origin: https://evil.example\r\n";
  EXPECT_EQ(Ask("GET /echo", kAlice + origin).result_int(), 403u);
}

}  // namespace
}  // namespace luna::http
