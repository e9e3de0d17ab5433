#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/message.h>

#include "server/config/config.h"

// Who a caller is.
namespace luna::auth {

// The tokens that the server knows. Immutable, so any thread may read them.
class Tokens {
 public:
  explicit Tokens(std::vector<config::Token> tokens) : tokens_(std::move(tokens)) {}

  // Whom the bearer of a request's `authorization` stands for, which is "Bearer TOKEN", the scheme
  // in any case (RFC 6750 section 2.1); empty: he may name any user. UNAUTHENTICATED for everything
  // else; it quotes nothing. How long it takes tells nothing of the tokens: the hash is compared
  // with every one, each in constant time.
  absl::StatusOr<std::string> UserOf(std::string_view authorization) const;

 private:
  const std::vector<config::Token> tokens_;
};

// Binds a request of any type to the user whom its caller's token stands for, as UserOf says it: a
// field `user_id` that is empty becomes his, another one is PERMISSION_DENIED. Does nothing where
// `user` is empty, or where the type has no such field. Both transports call it before any RPC.
absl::Status BindUser(const std::string& user, google::protobuf::Message& request);

struct NewToken {
  std::string token;
  std::string sha256;  // in hex, as auth.tokens_file holds it
};

// 32 random bytes, in base64url (RFC 4648 section 5) after "luna_". INTERNAL where the system gives
// none.
absl::StatusOr<NewToken> MakeToken();

}  // namespace luna::auth
