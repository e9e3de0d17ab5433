#include "server/translation/rest.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <absl/strings/str_cat.h>

#include "server/base/error.h"
#include "server/base/utf8.h"
#include "server/llm/backoff.h"
#include "server/llm/upstream_error.h"

namespace luna::translation {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kMostBodyBytes = 256 << 10;
constexpr std::size_t kLongestExcerpt = 800;

bool MayPass(const absl::Status& failure) {
  const v1::Error error = ErrorOf(failure);
  return error.code() == Name(ErrorCode::kUpstreamUnavailable) ||
         error.code() == Name(ErrorCode::kUpstreamQuota);
}

}  // namespace

RestTranslator::RestTranslator(RestApi api, const config::Config& config, net::HttpClient& http,
                               telemetry::Metrics& metrics)
    : api_(std::move(api)),
      config_(config),
      http_(http),
      metrics_(metrics),
      open_(metrics.UpstreamsOpen(api_.service.name)) {}

asio::awaitable<absl::StatusOr<std::string>> RestTranslator::Translate(Passage passage) {
  const net::TimePoint deadline = net::Clock::now() + config_.translation.deadline;
  net::Signal pause(http_.context());
  net::HttpRequest request = api_.request(passage);
  request.connect_timeout = config_.llm.timeouts.connect;
  for (int retry = 0;; ++retry) {
    bool lost_kept_connection = false;
    absl::StatusOr<std::string> translation = co_await Ask(request, deadline, lost_kept_connection);
    if (translation.ok() || !MayPass(translation.status())) co_return translation;
    const milliseconds asked_for(ErrorOf(translation.status()).retry_after_ms());
    milliseconds wait = std::max(asked_for, llm::Backoff(config_.llm.retries, retry));
    if (lost_kept_connection) wait = milliseconds(0);
    const net::TimePoint again = net::Clock::now() + wait;
    if (retry >= config_.llm.retries.count || again >= deadline) co_return translation;
    metrics_.UpstreamRetried(api_.service.name);
    request.fresh_connection = lost_kept_connection;
    (void)co_await pause.Wait(again);
  }
}

asio::awaitable<absl::StatusOr<std::string>> RestTranslator::Ask(net::HttpRequest request,
                                                                 net::TimePoint deadline,
                                                                 bool& lost_kept_connection) {
  const telemetry::Counted open(open_);
  net::HttpExchange exchange = http_.Send(std::move(request));
  std::string body;
  absl::Status status = co_await exchange.Headers(deadline);
  bool ended = false;
  while (status.ok() && !ended) {
    const absl::StatusOr<std::string_view> part = co_await exchange.Read(deadline);
    status = part.status();
    if (!status.ok()) break;
    ended = part->empty();
    body += *part;
    if (body.size() > kMostBodyBytes) status = absl::OutOfRangeError("the answer is too large");
  }
  lost_kept_connection = absl::IsAborted(status);
  if (!status.ok()) co_return Unreachable(status);
  if (exchange.status() != 200) co_return Refused(exchange, std::move(body));
  std::optional<std::string> translation = api_.translation(body);
  if (!translation)
    co_return llm::ProtocolError(api_.service, "no translation in the answer", body);
  utf8::Repair(*translation);
  if (translation->empty()) co_return llm::ProtocolError(api_.service, "an empty translation");
  co_return *std::move(translation);
}

absl::Status RestTranslator::Unreachable(const absl::Status& transport) const {
  const std::string& name = api_.service.name;
  if (absl::IsDeadlineExceeded(transport)) {
    return MakeError(ErrorCode::kUpstreamTimeout, absl::StrCat(name, ": no translation within ",
                                                               config_.translation.deadline.count(),
                                                               " ms (translation.deadline_ms)"));
  }
  const bool too_large = absl::IsOutOfRange(transport);
  return MakeError(
      too_large ? ErrorCode::kUpstreamProtocol : ErrorCode::kUpstreamUnavailable,
      absl::StrCat(name, ": ",
                   llm::Quotable(api_.service, std::string(transport.message()), kLongestExcerpt)));
}

absl::Status RestTranslator::Refused(const net::HttpExchange& exchange, std::string body) const {
  // Neither is there a model to name, as upstream_error would, nor is another 2xx an answer.
  if (exchange.status() < 400 || exchange.status() == 404) {
    return MakeError(ErrorCode::kUpstreamRejected,
                     absl::StrCat(api_.service.name, ": HTTP ", exchange.status(),
                                  ": is the address right? (", api_.url_key, ")"));
  }
  const llm::Refusal refusal{exchange.status(), std::move(body), exchange.header("Retry-After"),
                             ""};
  return llm::ErrorOfRefusal(api_.service, refusal, std::chrono::system_clock::now());
}

}  // namespace luna::translation
