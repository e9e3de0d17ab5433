#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "server/config/config.h"
#include "server/config/formats.h"
#include "server/config/shipped.h"

namespace luna::config {
namespace {

std::string Key(const std::string& key, const std::string& key_env) {
  if (!key.empty()) return "set, from " + key_env;
  if (key_env.empty()) return "none, key_env is empty";
  return "missing, " + key_env + " is not set";
}

std::string Described(const Target& target, bool is_default) {
  std::string lines = absl::StrCat("target: ", target.name, is_default ? " (default)" : "",
                                   "\n  model: ", target.model, "\n  url: ", target.url,
                                   "\n  key: ", Key(target.key, target.key_env),
                                   "\n  stream: ", target.stream ? "true" : "false", "\n");
  if (target.thinking_budget)
    absl::StrAppend(&lines, "  thinking_budget: ", *target.thinking_budget, "\n");
  if (target.thinking_level)
    absl::StrAppend(&lines, "  thinking_level: ", *target.thinking_level, "\n");
  return lines;
}

std::string DescribedTranslation(const Config& config) {
  const Translation& translation = config.translation;
  if (translation.engine == "azure") {
    const AzureTranslator& azure = translation.azure;
    return absl::StrCat("azure at ", azure.url, ", region ",
                        azure.region.empty() ? "none" : azure.region, ", key ",
                        Key(azure.key, kAzureTranslatorKey));
  }
  if (translation.engine == "libretranslate") {
    const LibreTranslate& libretranslate = translation.libretranslate;
    return absl::StrCat("libretranslate at ", libretranslate.url, ", key ",
                        Key(libretranslate.key, libretranslate.key_env));
  }
  if (translation.engine == "off") return "off";
  const Target* translator = TranslatorOf(config, config.llm.targets.at(config.llm.default_target));
  return absl::StrCat(translation.engine, ", ",
                      translator == nullptr ? "which is none for the default target"
                                            : "which asks " + translator->name);
}

std::string Ms(milliseconds duration) { return absl::StrCat(duration.count(), " ms"); }

}  // namespace

std::string Describe(const Config& config) {
  const Llm& llm = config.llm;
  std::string lines = absl::StrCat("file: ", config.file, "\nmode: ", llm.mode, "\n");
  lines += Described(llm.targets.at(llm.default_target), true);
  for (const auto& [name, target] : llm.targets) {
    if (name != llm.default_target) lines += Described(target, false);
  }
  const auto add = [&lines](const std::string& key, const std::string& value) {
    absl::StrAppend(&lines, key, ": ", value.empty() ? "none" : value, "\n");
  };
  const Timeouts& timeouts = llm.timeouts;
  add("fallback", absl::StrJoin(llm.fallback, ", "));
  add("timeouts",
      absl::StrCat("connect ", Ms(timeouts.connect), ", first token ", Ms(timeouts.first_token),
                   ", gap ", Ms(timeouts.gap), ", total ", Ms(timeouts.total)));
  add("retries", absl::StrCat(llm.retries.count, ", from ", Ms(llm.retries.first), " to ",
                              Ms(llm.retries.longest)));
  add("system prompt", config.system_prompt_file);
  add("chunking", config.stream.chunking == Stream::Chunking::kWord ? "word" : "raw");
  add("emotion", config.emotion.engine);
  if (config.emotion.engine == "llm") {
    add("emotion target",
        config.emotion.target.empty() ? llm.default_target : config.emotion.target);
  }
  if (config.emotion.engine != "off") add("emotion model", config.emotion.model_file);
  add("translation", DescribedTranslation(config));
  add("http", ToString(config.server.http));
  add("grpc", ToString(config.server.grpc));
  add("page", config.server.page ? ShippedPath("web") : "off");
  add("auth",
      config.auth.tokens_file.empty()
          ? ""
          : absl::StrCat(config.auth.tokens.size(), " tokens, from ", config.auth.tokens_file));
  add("data_dir", config.data_dir);
  return lines;
}

}  // namespace luna::config
