#include "server/config/config.h"
#include "tests/unit/config/loading.h"

namespace luna::config {
namespace {

class TokensFile : public Loading {
 protected:
  // What loading says of this file of tokens.
  std::string RefusedTokens(const std::string& text) {
    Write("tokens", text);
    return Refused("auth:\n  tokens_file: tokens\n");
  }

  const std::string a_ = std::string(64, 'a');
  const std::string b_ = "0123456789ABCDEFabcdef9876543210" + std::string(32, '7');
};

TEST_F(TokensFile, HoldsAHashAndAUserALine) {
  Write("tokens", "# who\n\n" + a_ + " alice\r\n \t\n  " + b_ + "\t 철수 \n   # " + a_ + " x\n" +
                      std::string(64, 'c') + " *");
  const Auth auth = Loaded("auth: {tokens_file: tokens}\nserver: {http: '0.0.0.0:1'}").auth;
  EXPECT_EQ(auth.tokens_file, folder_ / "tokens");
  ASSERT_EQ(auth.tokens.size(), 3u);
  EXPECT_TRUE(auth.tokens[0] == (Token{std::string(32, '\xAA'), "alice"}));
  EXPECT_EQ(auth.tokens[1].sha256.substr(0, 9), "\x01\x23\x45\x67\x89\xAB\xCD\xEF\xAB");
  EXPECT_EQ(auth.tokens[1].user_id, "철수");
  EXPECT_TRUE(auth.tokens[2] == (Token{std::string(32, '\xCC'), "*"}));
}

TEST_F(TokensFile, IsFoundWhereverItIs) {
  Write("tokens", a_ + " alice\n");
  EXPECT_EQ(Refused("auth: {tokens_file: " + (folder_ / "tokens").string() + "}"), "loaded");
}

TEST_F(TokensFile, IsRefusedWithItsLineWhereALineIsWrong) {
  const std::string not_a_hash = "expected the SHA-256 of a token, in 64 hex digits, and a user_id";
  EXPECT_EQ(RefusedTokens("# who\nluna_secret alice\n"), "tokens:2: " + not_a_hash);
  EXPECT_EQ(RefusedTokens(a_ + "a alice\n"), "tokens:1: " + not_a_hash);
  EXPECT_EQ(RefusedTokens(a_.substr(1) + " alice\n"), "tokens:1: " + not_a_hash);
  EXPECT_EQ(RefusedTokens(a_.substr(1) + "g alice\n"), "tokens:1: " + not_a_hash);
  EXPECT_EQ(RefusedTokens("alice " + a_), "tokens:1: " + not_a_hash);
  EXPECT_EQ(RefusedTokens(a_ + " alice\n\n" + b_ + "\n"),
            "tokens:3: expected a user_id after the SHA-256, or *");
  EXPECT_EQ(RefusedTokens(a_ + " alice # a laptop\n"),
            "tokens:1: expected nothing after the user_id, which has no white space");
  const std::string not_an_id = "tokens:1: the user_id is not UTF-8 or longer than 128 bytes";
  EXPECT_EQ(RefusedTokens(a_ + " " + std::string(129, 'u')), not_an_id);
  EXPECT_EQ(RefusedTokens(a_ + " \xFF"), not_an_id);
  EXPECT_EQ(RefusedTokens(a_ + " " + std::string(128, 'u')), "loaded");
}

TEST_F(TokensFile, IsRefusedWhereATokenStandsForTwo) {
  EXPECT_EQ(RefusedTokens(a_ + " alice\n" + b_ + " bob\n" + std::string(64, 'A') + " carol\n"),
            "tokens:3: the same token as on line 1");
  EXPECT_EQ(RefusedTokens(a_ + " alice\n" + b_ + " alice\n"), "loaded");
}

TEST_F(TokensFile, IsRefusedWhereItHoldsNone) {
  const std::string none = "tokens: no token in it: luna-server --new-token USER makes one";
  EXPECT_EQ(RefusedTokens(""), none);
  EXPECT_EQ(RefusedTokens("# nobody yet\n\n"), none);
}

TEST_F(TokensFile, IsNamedWhereItCannotBeRead) {
  EXPECT_EQ(Refused("auth:\n  tokens_file: gone\n"),
            "models.yaml:2: auth.tokens_file: no such file: \"gone\"");
  EXPECT_EQ(Refused("auth: {tokens_file: prompts}"),
            "models.yaml:1: auth.tokens_file: cannot be read: Is a directory: \"prompts\"");
}

TEST_F(TokensFile, IsToldOfWithoutItsHashes) {
  Write("tokens", a_ + " alice\n");
  const std::string described = Describe(Loaded("auth: {tokens_file: tokens}"));
  EXPECT_NE(described.find("auth: 1 tokens, from "), std::string::npos) << described;
  EXPECT_EQ(described.find(a_), std::string::npos);
  EXPECT_NE(Describe(Loaded("")).find("auth: none\n"), std::string::npos);
}

}  // namespace
}  // namespace luna::config
