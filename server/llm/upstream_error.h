#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <absl/status/status.h>

#include "server/config/config.h"

// What providers say when they fail, as errors of the contract (base/error.h). Messages start with
// the target's name and never hold its key.
namespace luna::llm {

// A response that is not 2xx.
struct Refusal {
  int status = 0;
  std::string body;         // JSON of either provider, or anything
  std::string retry_after;  // the header: seconds or an HTTP date
  std::string location;     // the header
  std::string model;        // that the prompt named; empty: the target's
};

// By the status:
//   3xx UPSTREAM_REJECTED, naming the host it points to
//   401, 403, and 400 with API_KEY_INVALID: UPSTREAM_AUTH, naming the key's variable
//   429 UPSTREAM_QUOTA
//   408, 499, 5xx UPSTREAM_UNAVAILABLE: the upstream gave up, which the same request may survive
//   other 4xx UPSTREAM_REJECTED with the provider's words; 404 names the model and its key;
//       INPUT_TOO_LARGE where the body says that the prompt is over the model's context
// The delay to wait is the longer one of Retry-After and RetryInfo. A quota per day is not
// retryable and has no delay.
absl::Status ErrorOfRefusal(const config::Target& target, const Refusal& refusal,
                            std::chrono::system_clock::time_point now);

// Whether `json` is a provider's error: `{"error": ...}`, the same in an array, or
// `{"object": "error", ...}`.
bool IsErrorObject(std::string_view json);

// An error in mid-stream: `{"error": {...}}`, or what stands in it alone. Its `code` is read as an
// HTTP status, as above; without one it is UPSTREAM_UNAVAILABLE.
absl::Status ErrorOfObject(const config::Target& target, std::string_view json);

// UPSTREAM_PROTOCOL with what was expected, and the beginning of what came instead.
absl::Status ProtocolError(const config::Target& target, const std::string& what,
                           std::string_view got = "");

// UPSTREAM_AUTH before any request: the key's variable is not set.
absl::Status MissingKey(const config::Target& target);

// `text` as it may stand in a message: well-formed UTF-8, one line, at most `bytes` long, without
// the target's key.
std::string Quotable(const config::Target& target, std::string_view text, std::size_t bytes);

// The name of a target's key in models.yaml, such as `llm.api.gemini.model`. `field` is kModel or
// kUrl.
enum class TargetField { kModel, kUrl };
std::string KeyName(const config::Target& target, TargetField field);

}  // namespace luna::llm
