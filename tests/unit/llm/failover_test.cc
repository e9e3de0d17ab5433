#include "server/llm/failover.h"

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/error.h"

namespace luna::llm {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

absl::Status Unavailable() { return MakeError(ErrorCode::kUpstreamUnavailable, "503"); }

// Gives its tokens, then its end: an error, or a Finish.
class Attempt final : public TokenStream {
 public:
  Attempt(std::deque<std::string> pieces, absl::Status end, bool lost_kept_connection)
      : pieces_(std::move(pieces)),
        end_(std::move(end)),
        lost_kept_connection_(lost_kept_connection) {}

  bool lost_kept_connection() const override { return lost_kept_connection_; }

  boost::asio::awaitable<absl::StatusOr<Token>> Next(net::TimePoint) override {
    if (!pieces_.empty()) {
      Token piece(Pieces{std::move(pieces_.front())});
      pieces_.pop_front();
      co_return piece;
    }
    if (!end_.ok()) co_return end_;
    Token finish(std::make_unique<Finish>(Finish{.reason = "STOP"}));
    co_return finish;
  }

 private:
  std::deque<std::string> pieces_;
  const absl::Status end_;
  const bool lost_kept_connection_;
};

// Each Generate takes the next attempt. Whatever fails on a kept connection loses it.
class ScriptedModel final : public LanguageModel {
 public:
  std::unique_ptr<TokenStream> Generate(const Prompt& prompt) override {
    prompts.push_back(prompt.messages.back().text);
    fresh.push_back(prompt.fresh_connection);
    const auto attempt = attempts.front();
    if (attempts.size() > 1) attempts.pop_front();
    return std::make_unique<Attempt>(attempt.first, attempt.second,
                                     kept_are_closed && !prompt.fresh_connection);
  }

  std::deque<std::pair<std::deque<std::string>, absl::Status>> attempts;
  std::vector<std::string> prompts;
  std::vector<bool> fresh;
  bool kept_are_closed = false;
};

class FailoverTest : public testing::Test {
 protected:
  FailoverTest() {
    first_.name = "first";
    second_.name = "second";
    options_.retries = {2, milliseconds(1), milliseconds(4)};
  }

  // The pieces, then "-> TARGET" or "-> CODE".
  std::vector<std::string> Hear() {
    Prompt prompt;
    prompt.messages.push_back({Message::Role::kUser, "hi"});
    std::vector<Failover::Candidate> candidates = {{&first_, &model_}};
    if (!other_.attempts.empty()) candidates.push_back({&second_, &other_});
    Failover stream(context_, options_, metrics_, std::move(candidates), std::move(prompt));
    std::vector<std::string> heard;
    for (;;) {
      std::optional<absl::StatusOr<Token>> token;
      boost::asio::co_spawn(
          context_, stream.Next(net::kForever),
          [&](std::exception_ptr, absl::StatusOr<Token> next) { token.emplace(std::move(next)); });
      context_.restart();
      while (!token) context_.run_one();
      if (!token->ok()) {
        error_ = ErrorOf(token->status());
        heard.push_back("-> " + error_.code());
        return heard;
      }
      if (const auto* pieces = std::get_if<Pieces>(&**token)) heard.push_back(pieces->front());
      if (const auto* finish = std::get_if<std::unique_ptr<Finish>>(&**token)) {
        heard.push_back("-> " + (*finish)->target);
        return heard;
      }
    }
  }

  boost::asio::io_context context_;
  config::Llm options_;
  config::Target first_;
  config::Target second_;
  ScriptedModel model_;
  ScriptedModel other_;
  v1::Error error_;
  telemetry::Metrics metrics_;
};

TEST_F(FailoverTest, TriesAgainBeforeTheFirstText) {
  model_.attempts = {{{}, Unavailable()}, {{}, Unavailable()}, {{"a", "b"}, absl::OkStatus()}};
  EXPECT_THAT(Hear(), ElementsAre("a", "b", "-> first"));
  EXPECT_THAT(model_.prompts, ElementsAre("hi", "hi", "hi"));
}

TEST_F(FailoverTest, NeverTriesAgainAfterTheFirstText) {
  model_.attempts = {{{"a"}, Unavailable()}};
  other_.attempts = {{{"b"}, absl::OkStatus()}};
  EXPECT_THAT(Hear(), ElementsAre("a", "-> UPSTREAM_UNAVAILABLE"));
  EXPECT_EQ(model_.prompts.size(), 1u);
}

TEST_F(FailoverTest, AsksTheNextTargetOnceTheRetriesAreUsedUp) {
  model_.attempts = {{{}, Unavailable()}};
  other_.attempts = {{{"b"}, absl::OkStatus()}};
  EXPECT_THAT(Hear(), ElementsAre("b", "-> second"));
  EXPECT_EQ(model_.prompts.size(), 3u);
  const std::string metrics = metrics_.Text();
  EXPECT_THAT(metrics, HasSubstr("luna_upstream_retries_total{target=\"first\"} 2\n"));
  EXPECT_THAT(metrics, HasSubstr("luna_upstream_fallbacks_total{target=\"second\"} 1\n"));
}

TEST_F(FailoverTest, GivesTheLastErrorOnceNobodyIsLeft) {
  model_.attempts = {{{}, Unavailable()}};
  other_.attempts = {{{}, MakeError(ErrorCode::kUpstreamQuota, "429")}};
  EXPECT_THAT(Hear(), ElementsAre("-> UPSTREAM_QUOTA"));
  EXPECT_EQ(model_.prompts.size() + other_.prompts.size(), 6u);
}

TEST_F(FailoverTest, AKeptConnectionThatWasClosedCostsARetryButNoWait) {
  options_.retries = {2, std::chrono::hours(1), std::chrono::hours(1)};
  model_.kept_are_closed = true;
  model_.attempts = {{{}, Unavailable()}, {{"a"}, absl::OkStatus()}};
  EXPECT_THAT(Hear(), ElementsAre("a", "-> first"));
  EXPECT_THAT(model_.fresh, ElementsAre(false, true));
  EXPECT_THAT(metrics_.Text(), HasSubstr("luna_upstream_retries_total{target=\"first\"} 1\n"));
}

TEST_F(FailoverTest, AKeptConnectionThatWasClosedIsAnErrorWithoutRetries) {
  options_.retries.count = 0;
  model_.kept_are_closed = true;
  model_.attempts = {{{}, Unavailable()}};
  EXPECT_THAT(Hear(), ElementsAre("-> UPSTREAM_UNAVAILABLE"));
  EXPECT_EQ(model_.prompts.size(), 1u);
}

TEST_F(FailoverTest, WaitsAsLongAsTheProviderAsks) {
  model_.attempts = {{{}, MakeError(ErrorCode::kUpstreamQuota, "429", milliseconds(4))},
                     {{"a"}, absl::OkStatus()}};
  const net::TimePoint start = net::Clock::now();
  EXPECT_THAT(Hear(), ElementsAre("a", "-> first"));
  EXPECT_GE(net::Clock::now() - start, milliseconds(4));
}

TEST_F(FailoverTest, ALongerDelayGoesToTheNextTargetAtOnce) {
  model_.attempts = {{{}, MakeError(ErrorCode::kUpstreamQuota, "429", milliseconds(37000))}};
  other_.attempts = {{{"b"}, absl::OkStatus()}};
  EXPECT_THAT(Hear(), ElementsAre("b", "-> second"));
  EXPECT_EQ(model_.prompts.size(), 1u);
}

TEST_F(FailoverTest, AQuotaForTheDayIsNotTriedAgain) {
  model_.attempts = {{{}, NotRetryable(MakeError(ErrorCode::kUpstreamQuota, "PerDay"))}};
  EXPECT_THAT(Hear(), ElementsAre("-> UPSTREAM_QUOTA"));
  EXPECT_EQ(model_.prompts.size(), 1u);
  EXPECT_FALSE(error_.retryable());
}

TEST_F(FailoverTest, ATimeoutGoesToTheNextTargetWithoutARetry) {
  model_.attempts = {{{}, MakeError(ErrorCode::kUpstreamTimeout, "slow")}};
  other_.attempts = {{{"b"}, absl::OkStatus()}};
  EXPECT_THAT(Hear(), ElementsAre("b", "-> second"));
  EXPECT_EQ(model_.prompts.size(), 1u);
}

TEST_F(FailoverTest, WhatTheRequestItselfIsToBlameForIsNotTriedAgain) {
  for (const ErrorCode code :
       {ErrorCode::kUpstreamAuth, ErrorCode::kUpstreamRejected, ErrorCode::kContentBlocked,
        ErrorCode::kInputTooLarge, ErrorCode::kUpstreamProtocol}) {
    model_.prompts.clear();
    model_.attempts = {{{}, MakeError(code, "no")}};
    other_.attempts = {{{"b"}, absl::OkStatus()}};
    EXPECT_THAT(Hear(), ElementsAre(std::string("-> ") + Name(code)));
    EXPECT_EQ(model_.prompts.size(), 1u);
  }
}

TEST_F(FailoverTest, TheWholeTimeHoldsForAllAttemptsTogether) {
  options_.timeouts.total = milliseconds(0);
  model_.attempts = {{{}, Unavailable()}};
  EXPECT_THAT(Hear(), ElementsAre("-> UPSTREAM_UNAVAILABLE"));
  EXPECT_EQ(model_.prompts.size(), 1u);
}

}  // namespace
}  // namespace luna::llm
