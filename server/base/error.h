#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <absl/status/status.h>

#include "luna/v1/interaction.pb.h"

namespace luna {

// Every way in which a request can fail. The contract of each (its gRPC code, its HTTP status,
// whether the same request may succeed later) stands in one table in error.cc.
enum class ErrorCode {
  kInvalidInput,
  kInputTooLarge,
  kUnknownTarget,
  kNotFound,
  kUnauthenticated,
  kPermissionDenied,
  kStreamingDisabled,
  kEmotionUnavailable,
  kTranslationUnavailable,
  kStorageUnavailable,
  kOverloaded,
  kShuttingDown,
  kUpstreamUnavailable,
  kUpstreamAuth,
  kUpstreamRejected,
  kUpstreamQuota,
  kUpstreamTimeout,
  kUpstreamProtocol,
  kContentBlocked,
  kAnswerTooLong,
  kDeadlineExceeded,
  kCancelled,
  kInternal,
};

// A status that carries `code` as a luna.v1.Error payload; the status code is the one that gRPC
// reports. `message` is cut to 1 KiB, at a code point, as metadata is limited to 8 KiB.
absl::Status MakeError(ErrorCode code, std::string message,
                       std::chrono::milliseconds retry_after = std::chrono::milliseconds::zero());

// The same failure in other words, of which `own_words` are luna's: what may be logged. The rest
// may quote somebody who quotes the person.
absl::Status WithMessage(const absl::Status& status, std::string message, std::string own_words);

// What of a failure's message may be logged; all of it where WithMessage never said.
std::string OwnWords(const absl::Status& status);

// The same failure where the same request cannot succeed later, whatever its code says in general:
// a quota that is counted per day.
absl::Status NotRetryable(const absl::Status& status);

// What a failed status says. One that MakeError did not make is named after its status code:
// CANCELLED, DEADLINE_EXCEEDED, INVALID_INPUT for INVALID_ARGUMENT, and INTERNAL for everything
// else.
v1::Error ErrorOf(const absl::Status& status);

// Every code, in the order above.
std::vector<ErrorCode> AllErrorCodes();

// The code's name in the contract, such as "UPSTREAM_TIMEOUT".
const char* Name(ErrorCode code);

// The HTTP status of an error as ErrorOf gives it: as grpc-gateway maps gRPC codes, but 413 for
// INPUT_TOO_LARGE. 500 for an unknown code.
int HttpStatus(const v1::Error& error);

// The gRPC code of an error as ErrorOf gives it.
absl::StatusCode GrpcCode(const v1::Error& error);

}  // namespace luna
