#include "server/auth/tokens.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <utility>

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <google/protobuf/descriptor.h>

#include "server/base/error.h"
#include "server/base/sha256.h"

namespace luna::auth {
namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr char kAnyUser[] = "*";

// What follows "Bearer" and spaces; nothing where `authorization` is something else.
std::string_view BearerToken(std::string_view authorization) {
  const std::size_t space = authorization.find(' ');
  if (space == std::string_view::npos) return {};
  if (!absl::EqualsIgnoreCase(absl::string_view(authorization.data(), space), "bearer")) return {};
  const std::size_t token = authorization.find_first_not_of(' ', space);
  return token == std::string_view::npos ? std::string_view() : authorization.substr(token);
}

}  // namespace

absl::StatusOr<std::string> Tokens::UserOf(std::string_view authorization) const {
  const std::string_view token = BearerToken(authorization);
  if (token.empty()) {
    return MakeError(ErrorCode::kUnauthenticated, "authorization: expected \"Bearer TOKEN\"");
  }
  const std::string hash = Sha256(token);
  const config::Token* found = nullptr;
  for (const config::Token& known : tokens_) {
    if (CRYPTO_memcmp(known.sha256.data(), hash.data(), kSha256Bytes) == 0) found = &known;
  }
  if (found == nullptr) {
    return MakeError(ErrorCode::kUnauthenticated, "authorization: the token is not known");
  }
  return found->user_id == kAnyUser ? std::string() : found->user_id;
}

absl::Status BindUser(const std::string& user, google::protobuf::Message& request) {
  using google::protobuf::FieldDescriptor;
  const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName("user_id");
  if (user.empty() || field == nullptr) return absl::OkStatus();
  if (field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
    return MakeError(ErrorCode::kInternal, field->full_name() + " is not one text");
  }
  const google::protobuf::Reflection& reflection = *request.GetReflection();
  const std::string given = reflection.GetString(request, field);
  if (given.empty()) {
    reflection.SetString(&request, field, user);
  } else if (given != user) {
    return MakeError(ErrorCode::kPermissionDenied,
                     "user_id: the token stands for another user; it may be left out");
  }
  return absl::OkStatus();
}

absl::StatusOr<NewToken> MakeToken() {
  std::string bytes(kTokenBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), kTokenBytes) != 1) {
    return MakeError(ErrorCode::kInternal, "the system gives no random bytes");
  }
  NewToken made;
  made.token = "luna_" + absl::WebSafeBase64Escape(bytes);
  made.sha256 = absl::BytesToHexString(Sha256(made.token));
  return made;
}

}  // namespace luna::auth
