#include "server/grpc/status.h"

#include <google/protobuf/util/time_util.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/base/error.h"

namespace luna::grpc {

::grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return ::grpc::Status::OK;
  const v1::Error error = ErrorOf(status);
  google::rpc::Status details;
  details.set_code(static_cast<int>(GrpcCode(error)));
  details.set_message(error.message());
  google::rpc::ErrorInfo info;
  info.set_reason(error.code());
  info.set_domain("luna");
  (*info.mutable_metadata())["retryable"] = error.retryable() ? "true" : "false";
  details.add_details()->PackFrom(info);
  if (error.retry_after_ms() > 0) {
    google::rpc::RetryInfo retry;
    *retry.mutable_retry_delay() =
        google::protobuf::util::TimeUtil::MillisecondsToDuration(error.retry_after_ms());
    details.add_details()->PackFrom(retry);
  }
  return {static_cast<::grpc::StatusCode>(GrpcCode(error)), error.message(),
          details.SerializeAsString()};
}

}  // namespace luna::grpc
