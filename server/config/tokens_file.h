#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "server/config/config.h"

namespace luna::config {

// What `auth.tokens_file` holds. A line is the SHA-256 of a token in 64 hex digits, white space,
// and the user_id that the token stands for, or `*` for a service that may name any user. Lines
// without either, and those that begin with `#`, say nothing.
//
// An error is one line, `NAME:LINE: ...` where a line is wrong, and quotes nothing of the file:
// what stands there by mistake is a token.
absl::StatusOr<std::vector<Token>> ParseTokens(const std::string& name, const std::string& text);

}  // namespace luna::config
