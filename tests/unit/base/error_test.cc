#include "server/base/error.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "server/base/utf8.h"

namespace luna {
namespace {

using absl::StatusCode;

struct Expected {
  ErrorCode code;
  const char* name;
  StatusCode grpc;
  int http;
  bool retryable;
};

class EveryError : public testing::TestWithParam<Expected> {};

TEST_P(EveryError, IsNamedAndMappedAsTheContractSays) {
  const Expected& expected = GetParam();
  const absl::Status status = MakeError(expected.code, "why");
  EXPECT_EQ(status.code(), expected.grpc);
  EXPECT_EQ(status.message(), "why");
  const v1::Error error = ErrorOf(status);
  EXPECT_EQ(error.code(), expected.name);
  EXPECT_EQ(error.message(), "why");
  EXPECT_EQ(error.retryable(), expected.retryable);
  EXPECT_EQ(error.retry_after_ms(), 0);
  EXPECT_STREQ(Name(expected.code), expected.name);
  EXPECT_EQ(HttpStatus(error), expected.http);
  EXPECT_EQ(GrpcCode(error), expected.grpc);
}

using Code = ErrorCode;

INSTANTIATE_TEST_SUITE_P(
    Contract, EveryError,
    testing::Values(
        Expected{Code::kInvalidInput, "INVALID_INPUT", StatusCode::kInvalidArgument, 400, false},
        Expected{Code::kInputTooLarge, "INPUT_TOO_LARGE", StatusCode::kInvalidArgument, 413, false},
        Expected{Code::kUnknownTarget, "UNKNOWN_TARGET", StatusCode::kNotFound, 404, false},
        Expected{Code::kNotFound, "NOT_FOUND", StatusCode::kNotFound, 404, false},
        Expected{Code::kUnauthenticated, "UNAUTHENTICATED", StatusCode::kUnauthenticated, 401,
                 false},
        Expected{Code::kPermissionDenied, "PERMISSION_DENIED", StatusCode::kPermissionDenied, 403,
                 false},
        Expected{Code::kStreamingDisabled, "STREAMING_DISABLED", StatusCode::kFailedPrecondition,
                 400, false},
        Expected{Code::kOverloaded, "OVERLOADED", StatusCode::kResourceExhausted, 429, true},
        Expected{Code::kShuttingDown, "SHUTTING_DOWN", StatusCode::kUnavailable, 503, true},
        Expected{Code::kUpstreamUnavailable, "UPSTREAM_UNAVAILABLE", StatusCode::kUnavailable, 503,
                 true},
        Expected{Code::kUpstreamAuth, "UPSTREAM_AUTH", StatusCode::kFailedPrecondition, 400, false},
        Expected{Code::kUpstreamRejected, "UPSTREAM_REJECTED", StatusCode::kFailedPrecondition, 400,
                 false},
        Expected{Code::kUpstreamQuota, "UPSTREAM_QUOTA", StatusCode::kResourceExhausted, 429, true},
        Expected{Code::kUpstreamTimeout, "UPSTREAM_TIMEOUT", StatusCode::kDeadlineExceeded, 504,
                 true},
        Expected{Code::kUpstreamProtocol, "UPSTREAM_PROTOCOL", StatusCode::kInternal, 500, true},
        Expected{Code::kContentBlocked, "CONTENT_BLOCKED", StatusCode::kFailedPrecondition, 400,
                 false},
        Expected{Code::kAnswerTooLong, "ANSWER_TOO_LONG", StatusCode::kOutOfRange, 400, false},
        Expected{Code::kDeadlineExceeded, "DEADLINE_EXCEEDED", StatusCode::kDeadlineExceeded, 504,
                 true},
        Expected{Code::kCancelled, "CANCELLED", StatusCode::kCancelled, 499, false},
        Expected{Code::kInternal, "INTERNAL", StatusCode::kInternal, 500, false}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Error, CarriesTheProvidersOwnDelay) {
  const absl::Status status =
      MakeError(ErrorCode::kUpstreamQuota, "slow down", std::chrono::milliseconds(37500));
  EXPECT_EQ(ErrorOf(status).retry_after_ms(), 37500);
}

TEST(Error, CutsALongMessageAtOneKibibyteBetweenCodePoints) {
  std::string syllables;
  while (syllables.size() < 2000) syllables += "한";
  const absl::Status full = MakeError(ErrorCode::kUpstreamRejected, "x" + syllables);
  EXPECT_EQ(full.message().size(), 1024u);  // 1 + 341 * 3
  EXPECT_EQ(ErrorOf(full).message(), full.message());
  const absl::Status cut = MakeError(ErrorCode::kUpstreamRejected, syllables);
  EXPECT_EQ(cut.message().size(), 1023u);
  EXPECT_TRUE(utf8::IsValid(ErrorOf(cut).message()));
}

TEST(Error, NamesAStatusOfAnyOtherOriginAfterItsCode) {
  EXPECT_EQ(ErrorOf(absl::CancelledError("gone")).code(), "CANCELLED");
  EXPECT_EQ(ErrorOf(absl::DeadlineExceededError("late")).code(), "DEADLINE_EXCEEDED");
  EXPECT_EQ(ErrorOf(absl::InvalidArgumentError("bad")).code(), "INVALID_INPUT");
  EXPECT_EQ(ErrorOf(absl::NotFoundError("a bug")).code(), "INTERNAL");
  EXPECT_EQ(ErrorOf(absl::DeadlineExceededError("late")).message(), "late");
  EXPECT_TRUE(ErrorOf(absl::DeadlineExceededError("late")).retryable());
}

TEST(Error, TakesAnUnknownCodeForABug) {
  v1::Error error;
  error.set_code("NO_SUCH_CODE");
  EXPECT_EQ(HttpStatus(error), 500);
  EXPECT_EQ(GrpcCode(error), StatusCode::kInternal);
}

}  // namespace
}  // namespace luna
