#pragma once

#include <absl/status/status.h>
#include <grpcpp/support/status.h>

namespace luna::grpc {

// With google.rpc.Status details: ErrorInfo (reason: the code of the contract; metadata
// `retryable`, true or false: the same request may succeed later), and RetryInfo where a delay is
// known.
::grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace luna::grpc
