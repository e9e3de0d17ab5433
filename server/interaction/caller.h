#pragma once

#include <string>

#include <absl/status/status.h>

namespace luna {

// What a transport tells about who asks. It outlives the request; loop thread only.
struct Caller {
  std::string transport;  // "grpc" or "http", for metrics and the log
  std::string id;         // x-request-id
  // Why the transport ends the request before its time (SHUTTING_DOWN, DEADLINE_EXCEEDED), set
  // before it cancels the coroutine: the caller is still there and is told. OK: a cancellation
  // means that he has gone.
  absl::Status ended;
  // Whom his token stands for; empty: he may name any user. A request's `user_id` is bound to it
  // before an RPC sees the request.
  std::string user;
};

}  // namespace luna
