#include "server/base/error.h"

#include <array>
#include <string>
#include <utility>

#include <absl/strings/cord.h>

#include "server/base/utf8.h"

namespace luna {
namespace {

constexpr char kPayload[] = "type.googleapis.com/luna.v1.Error";
constexpr char kOwnWords[] = "luna/own-words";
constexpr std::size_t kLongestMessage = 1024;

struct Contract {
  ErrorCode code;
  const char* name;
  absl::StatusCode grpc;
  int http;
  bool retryable;
};

using absl::StatusCode;

constexpr std::array<Contract, 23> kContracts{{
    {ErrorCode::kInvalidInput, "INVALID_INPUT", StatusCode::kInvalidArgument, 400, false},
    {ErrorCode::kInputTooLarge, "INPUT_TOO_LARGE", StatusCode::kInvalidArgument, 413, false},
    {ErrorCode::kUnknownTarget, "UNKNOWN_TARGET", StatusCode::kNotFound, 404, false},
    {ErrorCode::kNotFound, "NOT_FOUND", StatusCode::kNotFound, 404, false},
    {ErrorCode::kUnauthenticated, "UNAUTHENTICATED", StatusCode::kUnauthenticated, 401, false},
    {ErrorCode::kPermissionDenied, "PERMISSION_DENIED", StatusCode::kPermissionDenied, 403, false},
    {ErrorCode::kStreamingDisabled, "STREAMING_DISABLED", StatusCode::kFailedPrecondition, 400,
     false},
    {ErrorCode::kEmotionUnavailable, "EMOTION_UNAVAILABLE", StatusCode::kFailedPrecondition, 400,
     false},
    {ErrorCode::kTranslationUnavailable, "TRANSLATION_UNAVAILABLE", StatusCode::kFailedPrecondition,
     400, false},
    {ErrorCode::kStorageUnavailable, "STORAGE_UNAVAILABLE", StatusCode::kUnavailable, 503, true},
    {ErrorCode::kOverloaded, "OVERLOADED", StatusCode::kResourceExhausted, 429, true},
    {ErrorCode::kShuttingDown, "SHUTTING_DOWN", StatusCode::kUnavailable, 503, true},
    {ErrorCode::kUpstreamUnavailable, "UPSTREAM_UNAVAILABLE", StatusCode::kUnavailable, 503, true},
    {ErrorCode::kUpstreamAuth, "UPSTREAM_AUTH", StatusCode::kFailedPrecondition, 400, false},
    {ErrorCode::kUpstreamRejected, "UPSTREAM_REJECTED", StatusCode::kFailedPrecondition, 400,
     false},
    {ErrorCode::kUpstreamQuota, "UPSTREAM_QUOTA", StatusCode::kResourceExhausted, 429, true},
    {ErrorCode::kUpstreamTimeout, "UPSTREAM_TIMEOUT", StatusCode::kDeadlineExceeded, 504, true},
    {ErrorCode::kUpstreamProtocol, "UPSTREAM_PROTOCOL", StatusCode::kInternal, 500, true},
    {ErrorCode::kContentBlocked, "CONTENT_BLOCKED", StatusCode::kFailedPrecondition, 400, false},
    {ErrorCode::kAnswerTooLong, "ANSWER_TOO_LONG", StatusCode::kOutOfRange, 400, false},
    {ErrorCode::kDeadlineExceeded, "DEADLINE_EXCEEDED", StatusCode::kDeadlineExceeded, 504, true},
    {ErrorCode::kCancelled, "CANCELLED", StatusCode::kCancelled, 499, false},
    {ErrorCode::kInternal, "INTERNAL", StatusCode::kInternal, 500, false},
}};

const Contract& ContractOf(ErrorCode code) {
  for (const Contract& contract : kContracts) {
    if (contract.code == code) return contract;
  }
  return kContracts.back();
}

const Contract& ContractOf(const std::string& name) {
  for (const Contract& contract : kContracts) {
    if (contract.name == name) return contract;
  }
  return kContracts.back();
}

ErrorCode CodeOf(absl::StatusCode code) {
  switch (code) {
    case StatusCode::kCancelled:
      return ErrorCode::kCancelled;
    case StatusCode::kDeadlineExceeded:
      return ErrorCode::kDeadlineExceeded;
    case StatusCode::kInvalidArgument:
      return ErrorCode::kInvalidInput;
    default:
      return ErrorCode::kInternal;
  }
}

absl::Status StatusOf(v1::Error error, std::string message) {
  utf8::Repair(message);  // else the payload could not be read again
  utf8::Truncate(message, kLongestMessage);
  error.set_message(message);
  absl::Status status(ContractOf(error.code()).grpc, message);
  status.SetPayload(kPayload, absl::Cord(error.SerializeAsString()));
  return status;
}

}  // namespace

absl::Status MakeError(ErrorCode code, std::string message, std::chrono::milliseconds retry_after) {
  const Contract& contract = ContractOf(code);
  v1::Error error;
  error.set_code(contract.name);
  error.set_retryable(contract.retryable);
  error.set_retry_after_ms(static_cast<int>(retry_after.count()));
  return StatusOf(std::move(error), std::move(message));
}

absl::Status WithMessage(const absl::Status& status, std::string message, std::string own_words) {
  absl::Status said = StatusOf(ErrorOf(status), std::move(message));
  said.SetPayload(kOwnWords, absl::Cord(own_words));
  return said;
}

std::string OwnWords(const absl::Status& status) {
  const auto own_words = status.GetPayload(kOwnWords);
  return own_words ? std::string(*own_words) : ErrorOf(status).message();
}

absl::Status NotRetryable(const absl::Status& status) {
  v1::Error error = ErrorOf(status);
  error.set_retryable(false);
  return StatusOf(std::move(error), std::string(status.message()));
}

v1::Error ErrorOf(const absl::Status& status) {
  v1::Error error;
  const auto payload = status.GetPayload(kPayload);
  if (payload && error.ParseFromString(std::string(*payload))) return error;
  const Contract& contract = ContractOf(CodeOf(status.code()));
  error.set_code(contract.name);
  error.set_message(std::string(status.message()));
  error.set_retryable(contract.retryable);
  return error;
}

std::vector<ErrorCode> AllErrorCodes() {
  std::vector<ErrorCode> codes;
  for (const Contract& contract : kContracts) codes.push_back(contract.code);
  return codes;
}

const char* Name(ErrorCode code) { return ContractOf(code).name; }

int HttpStatus(const v1::Error& error) { return ContractOf(error.code()).http; }

absl::StatusCode GrpcCode(const v1::Error& error) { return ContractOf(error.code()).grpc; }

}  // namespace luna
