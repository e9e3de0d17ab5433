#include "server/translation/engine.h"

#include <utility>

#include <spdlog/spdlog.h>

#include "server/translation/llm.h"
#include "server/translation/rest.h"

namespace luna {

Translator* TranslatorOf(const Translators& translators, const std::string& target) {
  const auto found = translators.find(target);
  return found == translators.end() ? nullptr : found->second.get();
}

namespace translation {

Translators MakeTranslators(const config::Config& config, llm::Targets& targets,
                            net::HttpClient& http, Cache& cache, telemetry::Metrics& metrics) {
  const config::Translation& translation = config.translation;
  Translators translators;
  for (const auto& [name, target] : config.llm.targets) {
    std::unique_ptr<Translator> engine;
    if (translation.engine == "azure") {
      if (translation.azure.key.empty()) continue;
      engine = std::make_unique<RestTranslator>(AzureApi(translation.azure), config, http, metrics);
    } else if (translation.engine == "libretranslate") {
      engine = std::make_unique<RestTranslator>(LibreTranslateApi(translation.libretranslate),
                                                config, http, metrics);
    } else if (const config::Target* asked = config::TranslatorOf(config, target)) {
      engine = std::make_unique<LlmTranslator>(translation, *asked, targets);
    } else {
      continue;
    }
    translators[name] = std::make_unique<CachedTranslator>(std::move(engine), cache);
  }
  return translators;
}

void WarnOfMissingKey(const config::Translation& config) {
  if (config.engine == "azure" && config.azure.key.empty()) {
    spdlog::warn("translation: azure has no key, {} is not set: nothing is translated",
                 config::kAzureTranslatorKey);
  }
  const config::LibreTranslate& libretranslate = config.libretranslate;
  if (config.engine == "libretranslate" && !libretranslate.key_env.empty() &&
      libretranslate.key.empty()) {
    spdlog::warn("translation: {} is not set: libretranslate is asked without a key",
                 libretranslate.key_env);
  }
}

}  // namespace translation
}  // namespace luna
