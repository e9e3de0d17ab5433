#pragma once

#include <memory>
#include <string>

#include "server/config/config.h"
#include "server/llm/model.h"
#include "server/llm/stream_parser.h"
#include "server/net/http_client.h"
#include "server/telemetry/metrics.h"

namespace luna::llm {

// Servers with OpenAI's chat API (llama.cpp, Ollama, vLLM, LM Studio): `/v1/chat/completions`. The
// configured URL may end in /v1 or not. https://platform.openai.com/docs/api-reference/chat
class OpenAi final : public LanguageModel {
 public:
  // All must outlive this and its streams.
  OpenAi(const config::Target& target, const config::Timeouts& timeouts, net::HttpClient& http,
         telemetry::Metrics& metrics);

  std::unique_ptr<TokenStream> Generate(const Prompt& prompt) override;

 private:
  const config::Target& target_;
  const config::Timeouts& timeouts_;
  net::HttpClient& http_;
  prometheus::Gauge& open_;
};

net::HttpRequest OpenAiRequest(const config::Target& target, const Prompt& prompt);

// A parser of the answer, streamed or not. `target` must outlive it.
std::unique_ptr<StreamParser> OpenAiParser(const config::Target& target, bool stream);

}  // namespace luna::llm
