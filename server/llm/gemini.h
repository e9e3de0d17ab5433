#pragma once

#include <memory>
#include <string>

#include "server/config/config.h"
#include "server/llm/model.h"
#include "server/llm/stream_parser.h"
#include "server/net/http_client.h"
#include "server/telemetry/metrics.h"

namespace luna::llm {

// Google's Gemini API: `models/{model}:streamGenerateContent?alt=sse`, or `:generateContent` where
// the prompt asks for no stream. https://ai.google.dev/api/generate-content
//
// Without an API key nothing is sent, and the stream's Next gives UPSTREAM_AUTH.
class Gemini final : public LanguageModel {
 public:
  // All must outlive this and its streams.
  Gemini(const config::Target& target, const config::Timeouts& timeouts, net::HttpClient& http,
         telemetry::Metrics& metrics);

  std::unique_ptr<TokenStream> Generate(const Prompt& prompt) override;

 private:
  const config::Target& target_;
  const config::Timeouts& timeouts_;
  net::HttpClient& http_;
  prometheus::Gauge& open_;
};

net::HttpRequest GeminiRequest(const config::Target& target, const Prompt& prompt);

// A parser of the answer, streamed or not. `target` must outlive it.
std::unique_ptr<StreamParser> GeminiParser(const config::Target& target, bool stream);

}  // namespace luna::llm
