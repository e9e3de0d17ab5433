#include "server/http/browser_policy.h"

#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/error.h"

namespace luna::http {
namespace {

using boost::beast::http::field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

BrowserPolicy Policy(std::vector<std::string> hosts, std::vector<std::string> origins) {
  config::Server options;
  options.hosts = std::move(hosts);
  options.cors_origins = std::move(origins);
  return BrowserPolicy(options);
}

// Whether a request is let in; otherwise it must be PERMISSION_DENIED.
bool LetsIn(const BrowserPolicy& policy, const std::string& host, const std::string& origin = "") {
  const absl::Status status = policy.Check(host, origin);
  if (!status.ok()) {
    EXPECT_EQ(ErrorOf(status).code(), "PERMISSION_DENIED");
  }
  return status.ok();
}

TEST(BrowserPolicyTest, LetsInLoopbackAtAnyPort) {
  const BrowserPolicy policy = Policy({}, {});
  for (const char* host : {"localhost", "LocalHost:1", "127.0.0.1", "127.0.0.1:8000", "[::1]",
                           "[::1]:8000", "localhost:", ""}) {
    EXPECT_TRUE(LetsIn(policy, host)) << host;
  }
}

TEST(BrowserPolicyTest, RefusesEveryOtherHost) {
  const BrowserPolicy policy = Policy({}, {});
  for (const char* host :
       {"evil.example", "evil.example:8000", "localhost.evil.example", "evil.example:localhost",
        "127.0.0.1.evil.example", "192.168.0.2:8000", "0.0.0.0", "[::]", "::1", "localhost:80x",
        "user@localhost", "[::1].evil.example", "localhost.", ":8000"}) {
    EXPECT_FALSE(LetsIn(policy, host)) << host;
  }
}

TEST(BrowserPolicyTest, LetsInHostsThatAreListed) {
  const BrowserPolicy policy = Policy({"Luna.Example", "only.example:8000", "[fe80::1]"}, {});
  for (const char* host :
       {"luna.example", "LUNA.example:9", "only.example:8000", "[fe80::1]:8000"}) {
    EXPECT_TRUE(LetsIn(policy, host)) << host;
  }
  EXPECT_FALSE(LetsIn(policy, "only.example:8001"));
  EXPECT_FALSE(LetsIn(policy, "only.example"));
}

TEST(BrowserPolicyTest, SaysWhereAHostIsListed) {
  EXPECT_THAT(std::string(Policy({}, {}).Check("evil.example", "").message()),
              testing::AllOf(HasSubstr("evil.example"), HasSubstr("server.hosts")));
}

TEST(BrowserPolicyTest, LetsInItsOwnOrigin) {
  const BrowserPolicy policy = Policy({"luna.example"}, {});
  EXPECT_TRUE(LetsIn(policy, "localhost:8000", "http://localhost:8000"));
  EXPECT_TRUE(LetsIn(policy, "luna.example", "https://Luna.Example"));
}

TEST(BrowserPolicyTest, RefusesEveryOtherOrigin) {
  const BrowserPolicy policy = Policy({}, {"https://app.example"});
  for (const char* origin : {"http://localhost:8001", "http://localhost", "https://evil.example",
                             "null", "http://app.example", "https://app.example.evil.example",
                             "https://app.example:444", "localhost:8000", "ftp://localhost:8000"}) {
    EXPECT_FALSE(LetsIn(policy, "localhost:8000", origin)) << origin;
  }
  EXPECT_FALSE(LetsIn(policy, "", "http://"));
}

TEST(BrowserPolicyTest, LetsInOriginsThatAreListed) {
  const BrowserPolicy policy = Policy({}, {"https://app.example", "http://b:3000"});
  EXPECT_TRUE(LetsIn(policy, "localhost", "https://app.example"));
  EXPECT_TRUE(LetsIn(policy, "localhost", "http://b:3000"));
  EXPECT_FALSE(LetsIn(policy, "evil.example", "https://app.example"));
  EXPECT_TRUE(LetsIn(Policy({}, {"*"}), "localhost", "https://any.example"));
}

TEST(BrowserPolicyTest, LooksAtTheOriginAloneWhereCallersNeedAToken) {
  const BrowserPolicy policy({}, true);
  EXPECT_TRUE(LetsIn(policy, "luna.example:8000"));
  EXPECT_TRUE(LetsIn(policy, "luna.example", "https://luna.example"));
  EXPECT_FALSE(LetsIn(policy, "luna.example", "https://evil.example"));
}

TEST(BrowserPolicyTest, TellsTheBrowserWhoMayRead) {
  const BrowserPolicy policy = Policy({}, {"https://app.example"});
  EXPECT_THAT(
      policy.ResponseHeaders("https://app.example"),
      UnorderedElementsAre(Pair(field::access_control_allow_origin, "https://app.example"),
                           Pair(field::access_control_expose_headers, "Retry-After, X-Request-Id"),
                           Pair(field::vary, "Origin")));
  // A cache must not give this one to the other origin.
  EXPECT_THAT(policy.ResponseHeaders(""), UnorderedElementsAre(Pair(field::vary, "Origin")));
  EXPECT_THAT(policy.ResponseHeaders("https://evil.example"),
              UnorderedElementsAre(Pair(field::vary, "Origin")));
  EXPECT_THAT(Policy({}, {}).ResponseHeaders("https://app.example"), IsEmpty());
  EXPECT_THAT(Policy({}, {"*"}).ResponseHeaders("https://app.example"),
              testing::Contains(Pair(field::access_control_allow_origin, "*")));
}

TEST(BrowserPolicyTest, AnswersAPreflight) {
  const BrowserPolicy policy = Policy({}, {"https://app.example"});
  EXPECT_THAT(policy.PreflightHeaders("https://app.example", "POST"),
              UnorderedElementsAre(Pair(field::access_control_allow_methods, "POST"),
                                   Pair(field::access_control_allow_headers,
                                        HasSubstr("Authorization, Content-Type")),
                                   Pair(field::access_control_max_age, "600")));
  EXPECT_THAT(policy.PreflightHeaders("", "POST"), IsEmpty());
}

}  // namespace
}  // namespace luna::http
