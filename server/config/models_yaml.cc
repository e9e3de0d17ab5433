#include "server/config/models_yaml.h"

#include <map>
#include <optional>
#include <utility>

#include "server/config/formats.h"

namespace luna::config {
namespace {

constexpr int kMinute = 60'000;  // ms
constexpr int kHour = 60 * kMinute;
constexpr int kDay = 24 * kHour;

Target DefaultGemini(const std::string& name) {
  Target target;
  target.api = Target::Api::kGemini;
  target.name = name;
  target.url = "https://generativelanguage.googleapis.com/v1beta";
  target.model = "gemini-2.5-flash";
  target.key_env = "GEMINI_API_KEY";
  target.thinking_budget = 0;
  return target;
}

Target DefaultServer(const std::string& name) {
  Target target;
  target.api = Target::Api::kOpenAi;
  target.name = name;
  target.url = "http://localhost:8080";
  target.model = "Luna";
  target.key_env = "LLM_SERVER_API_KEY";
  return target;
}

void ReadSampling(YamlMap& map, Target& target) {
  map.Bool("stream", target.stream);
  map.Number("temperature", 0, 2, target.temperature);
  map.Number("top_p", 0, 1, target.top_p);
  map.Integer("max_tokens", 1, 1'000'000, target.max_tokens);
}

void ReadThinking(YamlMap& map, bool is_another_model, Target& target) {
  int budget = target.thinking_budget.value_or(0);
  std::string level = target.thinking_level.value_or("");
  const bool has_budget = map.Integer("thinking_budget", -1, 65'536, budget);
  const bool has_level = map.Text("thinking_level", NotEmpty, level);
  if (has_budget && has_level) map.Fail("thinking_level", "cannot stand beside thinking_budget");
  if (is_another_model || has_level) target.thinking_budget.reset();
  if (has_budget) target.thinking_budget = budget;
  if (has_level) target.thinking_level = level;
}

Target ReadGemini(const std::string& name, YamlMap& map) {
  Target target = DefaultGemini(name);
  const std::string usual_model = target.model;
  map.Text("model", NotGeminiModel, target.model);
  map.Text("base_url", NotUrl, target.url);
  map.Text("key_env", NotVariable, target.key_env);
  ReadSampling(map, target);
  ReadThinking(map, target.model != usual_model, target);
  map.Maps("safety_settings", [&](YamlMap& item) {
    SafetySetting setting;
    item.Text("category", NotEmpty, setting.category);
    item.Text("threshold", NotEmpty, setting.threshold);
    if (setting.category.empty() || setting.threshold.empty()) {
      item.Fail("expected a category and a threshold");
    }
    target.safety_settings.push_back(std::move(setting));
  });
  return target;
}

Target ReadServer(const std::string& name, YamlMap& map) {
  Target target = DefaultServer(name);
  map.Text("url", NotUrl, target.url);
  map.Text("alias", NotEmpty, target.model);
  map.Text("key_env", NotVariableOrEmpty, target.key_env);
  ReadSampling(map, target);
  return target;
}

// Reads one of the two maps of targets and returns its names; nothing if the file lacks the map.
std::optional<std::vector<std::string>> ReadTargets(YamlMap& llm, const std::string& key,
                                                    Target (*read)(const std::string&, YamlMap&),
                                                    std::map<std::string, Target>& targets) {
  std::vector<std::string> names;
  const bool given = llm.Named(key, [&](const std::string& name, YamlMap& map) {
    if (const std::string wrong = NotTargetName(name); !wrong.empty()) map.Fail(wrong);
    Target target = read(name, map);
    target.url = WithoutTrailingSlashes(target.url);
    if (!targets.emplace(name, std::move(target)).second) {
      map.Fail("there is a target of this name under llm.api");
    }
    names.push_back(name);
  });
  if (!given) return std::nullopt;
  return names;
}

// The target that stands for a map that the file lacks, unless its name is taken.
std::vector<std::string> AddDefault(Target target, std::map<std::string, Target>& targets) {
  const std::string name = target.name;
  if (!targets.emplace(name, std::move(target)).second) return {};
  return {name};
}

void ReadTimeouts(YamlMap& map, Timeouts& timeouts) {
  map.Duration("connect_ms", 1, kHour, timeouts.connect);
  map.Duration("first_token_ms", 1, kDay, timeouts.first_token);
  map.Duration("gap_ms", 1, kDay, timeouts.gap);
  map.Duration("total_ms", 1, kHour, timeouts.total);
}

void ReadRetries(YamlMap& map, Retries& retries) {
  map.Integer("count", 0, 10, retries.count);
  map.Duration("first_ms", 0, kMinute, retries.first);
  map.Duration("longest_ms", 0, kHour, retries.longest);
}

void ReadStream(YamlMap& map, Stream& stream) {
  std::string chunking = stream.chunking == Stream::Chunking::kRaw ? "raw" : "word";
  if (map.Word("chunking", {"word", "raw"}, chunking)) {
    stream.chunking = chunking == "raw" ? Stream::Chunking::kRaw : Stream::Chunking::kWord;
  }
  map.Duration("word_hold_ms", 0, kMinute, stream.word_hold);
  map.Map("buffer", [&](YamlMap& buffer) {
    buffer.Integer("words", 1, 1000, stream.buffer.words);
    buffer.Duration("ms", 0, kMinute, stream.buffer.wait);
  });
}

void ReadEmotion(YamlMap& map, Emotion& emotion) {
  map.Word("engine", {"embedded", "llm", "off"}, emotion.engine);
  map.Text("model_file", NotEmpty, emotion.model_file);
  map.Text("target", AnyText, emotion.target);
  map.Duration("deadline_ms", 1, kMinute, emotion.deadline);
}

void ReadTranslation(YamlMap& map, Translation& translation) {
  map.Word("engine", {"auto", "llm", "azure", "libretranslate", "off"}, translation.engine);
  map.Duration("wait_ms", 0, kMinute, translation.wait);
  map.Duration("deadline_ms", 1, kHour, translation.deadline);
  map.Bool("feeds_model", translation.feeds_model);
  map.Map("libretranslate", [&](YamlMap& libretranslate) {
    libretranslate.Text("url", NotUrlOrEmpty, translation.libretranslate.url);
    libretranslate.Text("key_env", NotVariableOrEmpty, translation.libretranslate.key_env);
  });
  translation.libretranslate.url = WithoutTrailingSlashes(translation.libretranslate.url);
  if (translation.engine == "libretranslate" && translation.libretranslate.url.empty()) {
    map.Fail("engine", "libretranslate needs its address in translation.libretranslate.url");
  }
}

void ReadMemory(YamlMap& map, Memory& memory) {
  map.Integer("max_entries", 0, 1'000'000'000, memory.max_entries);
  map.Integer("max_context_turns", 0, 1000, memory.max_context_turns);
  map.Integer("max_context_tokens", 0, 1'000'000, memory.max_context_tokens);
  map.Integer("summary_threshold", 1, 100'000, memory.summary_threshold);
  map.Bool("enable_auto_summary", memory.enable_auto_summary);
  map.Text("summary_language", NotEmpty, memory.summary_language);
}

void ReadCache(YamlMap& map, Cache& cache) {
  map.Integer("ttl_seconds", 1, 366 * 24 * 3600, cache.ttl_seconds);
  map.Integer("max_size", 0, 10'000'000, cache.max_size);
  map.Word("replay", {"whole", "words"}, cache.replay);
}

void ReadListen(YamlMap& map, const std::string& key, Listen& listen) {
  std::string text = ToString(listen);
  if (map.Text(key, NotListen, text)) listen = *ParseListen(text);
}

void ReadServing(YamlMap& map, Server& server) {
  ReadListen(map, "http", server.http);
  ReadListen(map, "grpc", server.grpc);
  map.Bool("page", server.page);
  map.Texts("cors_origins", NotOrigin, server.cors_origins);
  map.Texts("hosts", NotHost, server.hosts);
  map.Integer("max_streams", 1, 1'000'000, server.max_streams);
  map.Duration("drain_ms", 0, kHour, server.drain);
  map.Duration("heartbeat_ms", 1, kHour, server.heartbeat);
  map.Duration("header_ms", 1, kHour, server.header);
  map.Duration("body_ms", 1, kHour, server.body);
  map.Duration("idle_ms", 1, kHour, server.idle);
  map.Duration("write_timeout_ms", 1, kHour, server.write_timeout);
}

}  // namespace

TargetNames ReadModelsYaml(YamlFile& file, const YAML::Node& root, Config& config) {
  std::optional<std::vector<std::string>> api;
  std::optional<std::vector<std::string>> servers;
  YamlMap::ReadRoot(file, root, [&](YamlMap& map) {
    map.Map("llm", [&](YamlMap& llm) {
      llm.Word("mode", {"api", "server"}, config.llm.mode);
      api = ReadTargets(llm, "api", ReadGemini, config.llm.targets);
      servers = ReadTargets(llm, "servers", ReadServer, config.llm.targets);
      llm.Texts("fallback", NotEmpty, config.llm.fallback);
      llm.Map("timeouts", [&](YamlMap& timeouts) { ReadTimeouts(timeouts, config.llm.timeouts); });
      llm.Map("retries", [&](YamlMap& retries) { ReadRetries(retries, config.llm.retries); });
    });
    map.Map("prompt", [&](YamlMap& prompt) {
      prompt.Text("system_file", AnyText, config.system_prompt_file);
    });
    map.Map("stream", [&](YamlMap& stream) { ReadStream(stream, config.stream); });
    map.Map("emotion", [&](YamlMap& emotion) { ReadEmotion(emotion, config.emotion); });
    map.Map("translation", [&](YamlMap& part) { ReadTranslation(part, config.translation); });
    map.Map("memory", [&](YamlMap& memory) { ReadMemory(memory, config.memory); });
    map.Map("cache", [&](YamlMap& cache) { ReadCache(cache, config.cache); });
    map.Map("server", [&](YamlMap& server) { ReadServing(server, config.server); });
    map.Map("auth", [&](YamlMap& auth) {
      auth.Text("tokens_file", AnyText, config.auth.tokens_file);
      auth.Bool("none", config.auth.none);
    });
    map.Text("data_dir", NotEmpty, config.data_dir);
  });
  if (!api) api = AddDefault(DefaultGemini("gemini"), config.llm.targets);
  if (!servers) servers = AddDefault(DefaultServer("main"), config.llm.targets);
  return {*api, *servers};
}

std::vector<KnownKey> KnownKeys() {
  std::vector<KnownKey> keys;
  YamlFile nothing("", &keys);
  Config config;
  ReadModelsYaml(nothing, YAML::Node(), config);
  return keys;
}

}  // namespace luna::config
