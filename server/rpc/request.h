#pragma once

#include <absl/status/status.h>

#include "server/interaction/checks.h"

namespace luna::rpc {

// Checks the language and the user of a request, and puts the default user in.
template <class Request>
absl::Status CheckUser(Request& request) {
  if (absl::Status unknown = CheckLanguage(request.language()); !unknown.ok()) return unknown;
  absl::Status wrong = CheckId(request.language(), "user_id", request.user_id());
  request.set_user_id(OrDefault(request.user_id()));
  return wrong;
}

}  // namespace luna::rpc
