#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "server/config/config.h"
#include "server/net/http_client.h"
#include "server/telemetry/metrics.h"
#include "server/translation/translator.h"

namespace luna::translation {

// What one translation service has of its own.
struct RestApi {
  // Its name, its key and where that comes from, as llm/upstream_error.h tells of them; the rest
  // is not used.
  config::Target service;
  std::string url_key;  // where its address comes from
  std::function<net::HttpRequest(const Passage&)> request;
  // The translation in the body of a 200; nothing where it is not there.
  std::function<std::optional<std::string>(std::string_view body)> translation;
};

// https://learn.microsoft.com/azure/ai-services/translator/text-translation/reference/v3/translate
RestApi AzureApi(const config::AzureTranslator& config);

// https://docs.libretranslate.com/guides/api_usage/
RestApi LibreTranslateApi(const config::LibreTranslate& config);

// Asks a translation service. 408, 429 and 5xx, and a service that cannot be reached, are tried
// again as `llm.retries` says, at the earliest when Retry-After says, and within
// `translation.deadline_ms`; its errors are those of llm::ErrorOfRefusal.
class RestTranslator final : public Translator {
 public:
  // All that is referred to must outlive this.
  RestTranslator(RestApi api, const config::Config& config, net::HttpClient& http,
                 telemetry::Metrics& metrics);

  boost::asio::awaitable<absl::StatusOr<std::string>> Translate(Passage passage) override;

 private:
  boost::asio::awaitable<absl::StatusOr<std::string>> Ask(net::HttpRequest request,
                                                          net::TimePoint deadline,
                                                          bool& lost_kept_connection);
  absl::Status Unreachable(const absl::Status& transport) const;
  absl::Status Refused(const net::HttpExchange& exchange, std::string body) const;

  const RestApi api_;
  const config::Config& config_;
  net::HttpClient& http_;
  telemetry::Metrics& metrics_;
  prometheus::Gauge& open_;
};

}  // namespace luna::translation
