#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "server/config/config.h"
#include "server/llm/model.h"
#include "server/net/event_loop.h"
#include "server/telemetry/metrics.h"

namespace luna::llm {

// An answer from the first target that gives one. Until the first text has come, and never after
// it:
//   - UPSTREAM_UNAVAILABLE and UPSTREAM_QUOTA are tried again, with exponential back-off and
//     jitter, and not before the provider's own delay; one longer than `retries.longest`, or a
//     quota for the day, goes to the next target at once. Where all that failed was a kept
//     connection, the retry has a fresh one and does not wait;
//   - once the retries are used up, and after UPSTREAM_TIMEOUT, the next target is asked.
// What the last one said is the error. `timeouts.total` holds for all of it together. Loop thread
// only.
class Failover final : public TokenStream {
 public:
  struct Candidate {
    const config::Target* target;
    LanguageModel* model;
  };

  // The first candidate is asked now. Everything referred to must outlive this.
  Failover(boost::asio::io_context& context, const config::Llm& options,
           telemetry::Metrics& metrics, std::vector<Candidate> candidates, Prompt prompt);
  ~Failover() override;

  boost::asio::awaitable<absl::StatusOr<Token>> Next(net::TimePoint until) override;
  std::string target() const override { return candidates_[candidate_].target->name; }

 private:
  void Ask();
  bool Recover(const absl::Status& failure);

  const config::Llm& options_;
  telemetry::Metrics& metrics_;
  const std::vector<Candidate> candidates_;
  Prompt prompt_;  // until the first text
  const net::TimePoint deadline_;
  net::Signal timer_;
  std::size_t candidate_ = 0;
  int retries_ = 0;
  bool started_ = false;
  bool ended_ = false;
  std::unique_ptr<TokenStream> stream_;
  std::optional<net::TimePoint> retry_at_;
};

}  // namespace luna::llm
