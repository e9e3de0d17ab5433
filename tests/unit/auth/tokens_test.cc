#include "server/auth/tokens.h"

#include <set>

#include <absl/strings/escaping.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "luna/v1/emotion.pb.h"
#include "luna/v1/interaction.pb.h"
#include "server/base/error.h"

namespace luna::auth {
namespace {

using testing::HasSubstr;
using testing::Not;

// SHA-256 of "abc" (FIPS 180-2, appendix B.1), of "first" and of "last", as sha256sum says them.
constexpr char kAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kFirst[] = "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e";
constexpr char kLast[] = "3547cb112ac4489af2310c0626cdba6f3097a2ad5a3b42ddd3b59c76c7a079a3";

Tokens Known() {
  return Tokens({{absl::HexStringToBytes(kFirst), "alice"},
                 {absl::HexStringToBytes(kAbc), "*"},
                 {absl::HexStringToBytes(kLast), "철수"}});
}

std::string Refusal(const std::string& authorization) {
  const auto user = Known().UserOf(authorization);
  EXPECT_FALSE(user.ok()) << authorization;
  EXPECT_EQ(ErrorOf(user.status()).code(), "UNAUTHENTICATED");
  return std::string(user.status().message());
}

TEST(TokensTest, KnowTheUserOfEveryToken) {
  EXPECT_EQ(Known().UserOf("Bearer first").value(), "alice");
  EXPECT_EQ(Known().UserOf("Bearer last").value(), "철수");
}

TEST(TokensTest, LetAServiceNameAnyUser) { EXPECT_EQ(Known().UserOf("Bearer abc").value(), ""); }

TEST(TokensTest, TakeTheSchemeInAnyCaseAndSeveralSpaces) {
  EXPECT_EQ(Known().UserOf("bearer first").value(), "alice");
  EXPECT_EQ(Known().UserOf("BEARER   first").value(), "alice");
}

TEST(TokensTest, RefuseEverythingElse) {
  for (const std::string authorization :
       {"", "Bearer", "Bearer ", "Bearer   ", "first", "Basic first", "Bearerfirst",
        " Bearer first", "Bearer\tfirst", "Bearer: first"}) {
    EXPECT_THAT(Refusal(authorization), HasSubstr("Bearer TOKEN"));
  }
  for (const std::string token :
       {"firs", "firstt", "FIRST", "first ", "first, first", "first last", kFirst, "alice", "*"}) {
    EXPECT_THAT(Refusal("Bearer " + token), HasSubstr("not known"));
  }
  EXPECT_FALSE(Known().UserOf(std::string("Bearer first\0", 13)).ok());
}

TEST(TokensTest, QuoteNoToken) {
  EXPECT_THAT(Refusal("Bearer a-secret"), Not(HasSubstr("a-secret")));
  EXPECT_THAT(Refusal("Basic a-secret"), Not(HasSubstr("a-secret")));
}

TEST(BindUserTest, FillsInTheTokensUser) {
  v1::InteractRequest request;
  EXPECT_TRUE(BindUser("alice", request).ok());
  EXPECT_EQ(request.user_id(), "alice");
}

TEST(BindUserTest, TakesTheTokensUser) {
  v1::AnswerRequest request;
  request.set_user_id("alice");
  EXPECT_TRUE(BindUser("alice", request).ok());
  EXPECT_EQ(request.user_id(), "alice");
}

TEST(BindUserTest, RefusesAnotherUser) {
  for (const std::string other : {"bob", "Alice", "alice ", "default", "*"}) {
    v1::AnswerRequest request;
    request.set_user_id(other);
    EXPECT_EQ(ErrorOf(BindUser("alice", request)).code(), "PERMISSION_DENIED") << other;
  }
}

TEST(BindUserTest, LeavesARequestAloneThatMayNameAnyUser) {
  v1::AnswerRequest request;
  EXPECT_TRUE(BindUser("", request).ok());
  EXPECT_EQ(request.user_id(), "");
  request.set_user_id("bob");
  EXPECT_TRUE(BindUser("", request).ok());
  EXPECT_EQ(request.user_id(), "bob");
}

TEST(BindUserTest, LeavesARequestAloneThatIsNobodys) {
  v1::AnalyzeRequest request;
  EXPECT_TRUE(BindUser("alice", request).ok());
  EXPECT_EQ(request.ByteSizeLong(), 0u);
}

TEST(MakeTokenTest, MakesTokensThatAreKnownByTheirHash) {
  std::set<std::string> made;
  for (int i = 0; i < 100; ++i) {
    const NewToken token = MakeToken().value();
    EXPECT_THAT(token.token, testing::MatchesRegex("luna_[A-Za-z0-9_-]+"));
    EXPECT_EQ(token.token.size(), 5u + 43);
    made.insert(token.token);
    const Tokens tokens({{absl::HexStringToBytes(token.sha256), "alice"}});
    EXPECT_EQ(tokens.UserOf("Bearer " + token.token).value(), "alice");
  }
  EXPECT_EQ(made.size(), 100u);
}

}  // namespace
}  // namespace luna::auth
