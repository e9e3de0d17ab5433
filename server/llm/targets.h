#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/config/config.h"
#include "server/llm/model.h"
#include "server/net/http_client.h"
#include "server/telemetry/metrics.h"

namespace luna::llm {

// The configured targets, with a model for each, on one event loop.
class Targets {
 public:
  // All must outlive this and its models' streams.
  Targets(const config::Llm& llm, net::HttpClient& http, telemetry::Metrics& metrics);

  // The target of that name, the default one where the name is empty; nullptr if there is none.
  const config::Target* Config(const std::string& name) const;

  // As Config, or else the target that is configured with the model of that name: the default one,
  // or the first.
  const config::Target* OfModel(const std::string& name) const;

  // Asks a target that Config gave, now; what fails before its first text is tried again, then put
  // to the targets of `llm.fallback` (failover.h). Those that do not stream are no substitute for a
  // stream, and none is for a prompt that names the model.
  std::unique_ptr<TokenStream> Generate(const config::Target& target, Prompt prompt);

  // Asks a target that Config gave, now, and neither again nor another one.
  std::unique_ptr<TokenStream> GenerateOnce(const config::Target& target, Prompt prompt);

  // All names, sorted.
  std::vector<std::string> Names() const;

  // All of them, the default one first, the others by name.
  std::vector<const config::Target*> All() const;

 private:
  const config::Llm& llm_;
  net::HttpClient& http_;
  telemetry::Metrics& metrics_;
  std::map<std::string, std::unique_ptr<LanguageModel>> models_;
};

}  // namespace luna::llm
