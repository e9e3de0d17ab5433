#include "server/config/tokens_file.h"

#include <algorithm>
#include <map>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include "server/config/formats.h"

namespace luna::config {
namespace {

constexpr std::size_t kSha256Digits = 64;

// Reads one line's words into `token`. What is wrong with them; empty: nothing.
std::string Read(const std::vector<std::string>& words, Token& token) {
  const std::string& digits = words.front();
  const bool is_hash =
      digits.size() == kSha256Digits && std::all_of(digits.begin(), digits.end(), [](char c) {
        return absl::ascii_isxdigit(static_cast<unsigned char>(c));
      });
  if (!is_hash) return "expected the SHA-256 of a token, in 64 hex digits, and a user_id";
  if (words.size() == 1) return "expected a user_id after the SHA-256, or *";
  if (words.size() > 2) return "expected nothing after the user_id, which has no white space";
  if (!NotUserId(words[1]).empty()) return "the user_id is not UTF-8 or longer than 128 bytes";
  token = {absl::HexStringToBytes(digits), words[1]};
  return "";
}

}  // namespace

absl::StatusOr<std::vector<Token>> ParseTokens(const std::string& name, const std::string& text) {
  std::vector<Token> tokens;
  std::map<std::string, int> lines;  // of each hash
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (words.empty() || words.front().front() == '#') continue;
    Token token;
    std::string wrong = Read(words, token);
    const auto [first, is_new] = lines.emplace(token.sha256, number);
    if (wrong.empty() && !is_new) {
      wrong = absl::StrCat("the same token as on line ", first->second);
    }
    if (!wrong.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(name, ":", number, ": ", wrong));
    }
    tokens.push_back(std::move(token));
  }
  if (tokens.empty()) {
    return absl::InvalidArgumentError(name +
                                      ": no token in it: luna-server --new-token USER makes one");
  }
  return tokens;
}

}  // namespace luna::config
