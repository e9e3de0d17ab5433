#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/config/config.h"
#include "server/llm/model.h"
#include "server/llm/stream_parser.h"
#include "server/net/http_client.h"
#include "server/telemetry/metrics.h"

namespace luna::llm {

// An answer that comes over HTTP: what arrives goes through a parser. Whatever the parser has
// already given leaves without suspending.
//
// Limits (config::Timeouts), each of them UPSTREAM_TIMEOUT:
//   first_token  a streamed answer's first text, counted from the request; thoughts and comment
//                lines do not count
//   gap          after the first text (unary: the first byte), between any bytes: a comment line
//                is a sign of life
//   total        the whole answer, the caller's slowness included
// An answer that could not be had is UPSTREAM_UNAVAILABLE, one that is too large
// UPSTREAM_PROTOCOL. Loop thread only.
class AnswerStream final : public TokenStream {
 public:
  // Sends `request`, which asks `prompt`, now. `target` and `timeouts` must outlive this. `open`
  // counts it while it lives.
  AnswerStream(const config::Target& target, const config::Timeouts& timeouts, const Prompt& prompt,
               net::HttpClient& http, net::HttpRequest request,
               std::unique_ptr<StreamParser> parser, prometheus::Gauge& open);

  boost::asio::awaitable<absl::StatusOr<Token>> Next(net::TimePoint until) override;
  bool lost_kept_connection() const override { return lost_kept_connection_; }
  std::size_t replaced_bytes() const override { return parser_->replaced_bytes(); }

 private:
  enum class Stage { kHeaders, kBody, kRefusal };

  struct Limit {
    net::TimePoint at;
    std::chrono::milliseconds length;
    const char* key;   // below llm.timeouts
    const char* what;  // what had not happened by then
  };

  boost::asio::awaitable<absl::Status> Advance(net::TimePoint until);
  boost::asio::awaitable<void> ReadToTheEnd();
  Limit TotalLimit() const;
  Limit CurrentLimit() const;
  void TakeBody(std::string_view bytes);
  void TakeRefusal(std::string_view bytes);
  void Fail(const absl::Status& transport);
  void Refuse();
  void TimeOut(const Limit& limit);

  const config::Target& target_;
  const std::string model_;
  const config::Timeouts& timeouts_;
  const bool streams_;
  const net::TimePoint start_;
  const telemetry::Counted open_;
  net::HttpExchange exchange_;
  const std::unique_ptr<StreamParser> parser_;

  Stage stage_ = Stage::kHeaders;
  std::optional<net::TimePoint> last_bytes_;
  bool any_text_ = false;
  bool lost_kept_connection_ = false;
  std::string refusal_;
  Pieces pieces_;
  std::optional<absl::StatusOr<Finish>> end_;  // follows the pieces
};

}  // namespace luna::llm
