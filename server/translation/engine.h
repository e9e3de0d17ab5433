#pragma once

#include <map>
#include <memory>
#include <string>

#include "server/config/config.h"
#include "server/llm/targets.h"
#include "server/net/http_client.h"
#include "server/telemetry/metrics.h"
#include "server/translation/cache.h"
#include "server/translation/translator.h"

namespace luna {

// By the name of the target that answers: who translates what is said to it. A target for which
// nobody does is not there.
using Translators = std::map<std::string, std::unique_ptr<Translator>>;

// nullptr: nobody does.
Translator* TranslatorOf(const Translators& translators, const std::string& target);

namespace translation {

// The configured engine, on one event loop. All must outlive it.
Translators MakeTranslators(const config::Config& config, llm::Targets& targets,
                            net::HttpClient& http, Cache& cache, telemetry::Metrics& metrics);

// A warning in the log where the engine has not the key that it needs.
void WarnOfMissingKey(const config::Translation& config);

}  // namespace translation
}  // namespace luna
