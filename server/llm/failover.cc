#include "server/llm/failover.h"

#include <algorithm>
#include <utility>

#include "server/base/error.h"
#include "server/llm/backoff.h"

namespace luna::llm {

using std::chrono::milliseconds;

Failover::Failover(boost::asio::io_context& context, const config::Llm& options,
                   telemetry::Metrics& metrics, std::vector<Candidate> candidates, Prompt prompt)
    : options_(options),
      metrics_(metrics),
      candidates_(std::move(candidates)),
      prompt_(std::move(prompt)),
      deadline_(net::Clock::now() + options.timeouts.total),
      timer_(context) {
  Ask();
}

Failover::~Failover() {
  if (stream_ != nullptr) metrics_.Replaced(stream_->replaced_bytes());
  if (!ended_) metrics_.UpstreamCancelled(started_ ? "stream" : "first_token");
}

boost::asio::awaitable<absl::StatusOr<Token>> Failover::Next(net::TimePoint until) {
  for (;;) {
    if (retry_at_) {
      (void)co_await timer_.Wait(std::min(until, *retry_at_));
      if (net::Clock::now() < *retry_at_) {
        Token pause(Pause{});
        co_return pause;
      }
      Ask();
    }
    absl::StatusOr<Token> token = co_await stream_->Next(std::min(until, deadline_));
    if (token.ok()) {
      if (std::holds_alternative<Pause>(*token) && net::Clock::now() >= deadline_) {
        ended_ = true;
        co_return MakeError(ErrorCode::kUpstreamTimeout,
                            candidates_[candidate_].target->name +
                                ": the whole answer was not there within " +
                                std::to_string(options_.timeouts.total.count()) +
                                " ms (llm.timeouts.total_ms in models.yaml)");
      }
      if (std::holds_alternative<Pieces>(*token) && !std::exchange(started_, true)) {
        (void)std::exchange(prompt_, {});  // not asked again: its memory is given back
      }
      if (auto* finish = std::get_if<std::unique_ptr<Finish>>(&*token)) {
        (*finish)->target = target();
        ended_ = true;
      }
      co_return token;
    }
    ended_ = started_ || !Recover(token.status());
    if (ended_) co_return token;
  }
}

void Failover::Ask() {
  retry_at_.reset();
  stream_ = candidates_[candidate_].model->Generate(prompt_);
}

// Plans the next attempt; false where there is none.
bool Failover::Recover(const absl::Status& failure) {
  const v1::Error error = ErrorOf(failure);
  const bool transient =
      error.retryable() && (error.code() == Name(ErrorCode::kUpstreamUnavailable) ||
                            error.code() == Name(ErrorCode::kUpstreamQuota));
  const bool unanswered = transient || error.code() == Name(ErrorCode::kUpstreamQuota) ||
                          error.code() == Name(ErrorCode::kUpstreamTimeout);
  const milliseconds asked_for(error.retry_after_ms());
  if (transient && retries_ < options_.retries.count && asked_for <= options_.retries.longest) {
    const bool at_once = stream_->lost_kept_connection();
    if (at_once) prompt_.fresh_connection = true;
    retry_at_ =
        net::Clock::now() +
        (at_once ? milliseconds(0) : std::max(asked_for, Backoff(options_.retries, retries_)));
    ++retries_;
    metrics_.UpstreamRetried(candidates_[candidate_].target->name);
  } else if (unanswered && candidate_ + 1 < candidates_.size()) {
    ++candidate_;
    retries_ = 0;
    metrics_.UpstreamFellBack(candidates_[candidate_].target->name);
    retry_at_ = net::Clock::now();
  } else {
    return false;
  }
  if (*retry_at_ >= deadline_) return false;
  stream_.reset();
  return true;
}

}  // namespace luna::llm
