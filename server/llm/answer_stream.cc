#include "server/llm/answer_stream.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "server/base/error.h"
#include "server/llm/upstream_error.h"

namespace luna::llm {
namespace {

constexpr std::size_t kMostOfRefusal = 64 << 10;

// How long a complete answer waits for the end of its body, so that the connection can be used
// again: the last chunk of chunked encoding follows `[DONE]` at once, but in a write of its own.
constexpr std::chrono::milliseconds kLinger{20};

net::HttpRequest Prepared(net::HttpRequest request, const config::Timeouts& timeouts,
                          const Prompt& prompt) {
  request.connect_timeout = timeouts.connect;
  request.fresh_connection = prompt.fresh_connection;
  return request;
}

}  // namespace

AnswerStream::AnswerStream(const config::Target& target, const config::Timeouts& timeouts,
                           const Prompt& prompt, net::HttpClient& http, net::HttpRequest request,
                           std::unique_ptr<StreamParser> parser, prometheus::Gauge& open)
    : target_(target),
      model_(prompt.model),
      timeouts_(timeouts),
      streams_(prompt.stream),
      start_(net::Clock::now()),
      open_(open),
      exchange_(http.Send(Prepared(std::move(request), timeouts, prompt))),
      parser_(std::move(parser)) {}

boost::asio::awaitable<absl::StatusOr<Token>> AnswerStream::Next(net::TimePoint until) {
  while (pieces_.empty()) {
    if (end_) {
      if (!end_->ok()) co_return end_->status();
      Token finish(std::make_unique<Finish>(**std::move(end_)));
      co_return finish;
    }
    const absl::Status advanced = co_await Advance(until);
    if (absl::IsDeadlineExceeded(advanced)) {
      Token pause(Pause{});
      co_return pause;
    }
  }
  Token pieces(std::exchange(pieces_, {}));
  co_return pieces;
}

// One step: waits for the headers or some of the body, and takes what came, be it a failure.
// kDeadlineExceeded: nothing had come by `until`.
boost::asio::awaitable<absl::Status> AnswerStream::Advance(net::TimePoint until) {
  const Limit limit = CurrentLimit();
  const net::TimePoint wait = std::min(until, limit.at);
  absl::Status status;
  if (stage_ == Stage::kHeaders) {
    status = co_await exchange_.Headers(wait);
    if (status.ok()) {
      const bool success = exchange_.status() >= 200 && exchange_.status() < 300;
      stage_ = success ? Stage::kBody : Stage::kRefusal;
    }
  } else {
    absl::StatusOr<std::string_view> bytes = co_await exchange_.Read(wait);
    status = bytes.status();
    if (status.ok()) {
      if (!bytes->empty()) last_bytes_ = net::Clock::now();
      if (stage_ == Stage::kBody) TakeBody(*bytes);
      if (stage_ == Stage::kRefusal) TakeRefusal(*bytes);
    }
  }
  const net::TimePoint now = net::Clock::now();
  const Limit total = TotalLimit();
  if (absl::IsDeadlineExceeded(status)) {
    if (now < limit.at) co_return status;
    TimeOut(limit);
  } else if (!status.ok()) {
    Fail(status);
  } else if (!end_ && now >= total.at) {
    TimeOut(total);
  }
  if (parser_->done()) co_await ReadToTheEnd();
  co_return absl::OkStatus();
}

boost::asio::awaitable<void> AnswerStream::ReadToTheEnd() {
  // Whatever comes of it, the answer is complete.
  (void)co_await exchange_.Read(net::Clock::now() + kLinger);
}

AnswerStream::Limit AnswerStream::TotalLimit() const {
  return {start_ + timeouts_.total, timeouts_.total, "total_ms", "the whole answer was not there"};
}

AnswerStream::Limit AnswerStream::CurrentLimit() const {
  const bool started = streams_ ? any_text_ : last_bytes_.has_value();
  Limit limit = TotalLimit();
  if (started) {
    limit = {*last_bytes_ + timeouts_.gap, timeouts_.gap, "gap_ms", "nothing more arrived"};
  } else if (streams_) {
    limit = {start_ + timeouts_.first_token, timeouts_.first_token, "first_token_ms",
             "no first token arrived"};
  }
  return limit.at < TotalLimit().at ? limit : TotalLimit();
}

void AnswerStream::TakeBody(std::string_view bytes) {
  absl::Status status;
  const bool ended = bytes.empty();
  if (!ended) status = parser_->Feed(bytes, pieces_);
  if (!status.ok()) {
    end_ = status;
  } else if (ended || parser_->done()) {
    end_ = parser_->End(pieces_);
  }
  any_text_ = any_text_ || !pieces_.empty();
}

void AnswerStream::TakeRefusal(std::string_view bytes) {
  refusal_.append(bytes.substr(0, kMostOfRefusal - refusal_.size()));
  if (bytes.empty() || refusal_.size() == kMostOfRefusal) Refuse();
}

void AnswerStream::Refuse() {
  const Refusal refusal{exchange_.status(), refusal_, exchange_.header("Retry-After"),
                        exchange_.header("Location"), model_};
  end_ = ErrorOfRefusal(target_, refusal, std::chrono::system_clock::now());
}

void AnswerStream::Fail(const absl::Status& transport) {
  if (stage_ == Stage::kRefusal) {
    Refuse();
    return;
  }
  lost_kept_connection_ = absl::IsAborted(transport);
  const bool too_large = absl::IsOutOfRange(transport);
  end_ = MakeError(too_large ? ErrorCode::kUpstreamProtocol : ErrorCode::kUpstreamUnavailable,
                   target_.name + ": " + Quotable(target_, std::string(transport.message()), 800));
}

void AnswerStream::TimeOut(const Limit& limit) {
  if (stage_ == Stage::kRefusal) {
    Refuse();
    return;
  }
  end_ = MakeError(ErrorCode::kUpstreamTimeout, target_.name + ": " + limit.what + " within " +
                                                    std::to_string(limit.length.count()) +
                                                    " ms (llm.timeouts." + limit.key +
                                                    " in models.yaml)");
}

}  // namespace luna::llm
