#include <filesystem>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include "server/base/utf8.h"
#include "server/config/config.h"
#include "server/config/environment.h"
#include "server/config/formats.h"
#include "server/config/models_yaml.h"
#include "server/config/persona.h"  // made of config/prompts/companion.ko.txt
#include "server/config/shipped.h"
#include "server/config/tokens_file.h"
#include "server/config/yaml_map.h"

namespace luna::config {
namespace {

constexpr char kKeyMode[] = "llm.mode";
constexpr char kKeySystemFile[] = "prompt.system_file";
constexpr char kKeyTokensFile[] = "auth.tokens_file";

// What one key alone cannot tell.
void CheckTogether(const Config& config, YamlFile& file) {
  for (std::size_t i = 0; i < config.llm.fallback.size(); ++i) {
    const std::string& name = config.llm.fallback[i];
    if (config.llm.targets.contains(name)) continue;
    file.FailAt(absl::StrCat("llm.fallback[", i, "]"),
                "expected a name under llm.api or llm.servers" + Got(name));
  }
  if (!config.emotion.target.empty() && !config.llm.targets.contains(config.emotion.target)) {
    file.FailAt("emotion.target",
                "expected a name under llm.api or llm.servers" + Got(config.emotion.target));
  }
  if (config.llm.retries.first > config.llm.retries.longest) {
    file.FailAt("llm.retries", "expected longest_ms to be at least first_ms");
  }
  if (config.auth.none && !config.auth.tokens_file.empty()) {
    file.FailAt("auth.none", "cannot stand beside auth.tokens_file");
  }
}

void FindEmotionModel(Config& config) {
  namespace fs = std::filesystem;
  const bool usual = config.emotion.model_file == Emotion().model_file;
  const fs::path beside = fs::path(config.file).parent_path() / config.emotion.model_file;
  std::error_code ignored;
  if (usual && !fs::exists(beside, ignored)) {
    const fs::path shipped = ShippedPath(config.emotion.model_file);
    if (fs::exists(shipped, ignored)) {
      config.emotion.model_file = shipped;
      return;
    }
  }
  config.emotion.model_file = beside;
}

void ReadSystemPrompt(Config& config, YamlFile& file) {
  if (config.system_prompt_file.empty()) return;
  const auto fail = [&](const std::string& what) {
    file.FailAt(kKeySystemFile, absl::StrCat(what, ": ", Quoted(config.system_prompt_file)));
  };
  const bool usual = config.system_prompt_file == Config().system_prompt_file;
  const std::filesystem::path folder = std::filesystem::path(config.file).parent_path();
  config.system_prompt_file = folder / config.system_prompt_file;
  if (usual && !std::filesystem::exists(config.system_prompt_file)) {
    config.system_prompt_file = "built in";
    config.system_prompt = std::string(absl::StripAsciiWhitespace(kPersona));
    return;
  }
  absl::StatusOr<std::string> text = ReadFile(config.system_prompt_file);
  if (!text.ok()) return fail(std::string(text.status().message()));
  if (!utf8::IsValid(*text)) return fail("not a UTF-8 text");
  config.system_prompt = std::string(absl::StripAsciiWhitespace(*text));
  if (config.system_prompt.empty()) fail("nothing in it (\"\" is no persona)");
}

absl::Status ReadTokens(Config& config, YamlFile& file) {
  std::string& path = config.auth.tokens_file;
  if (path.empty()) return absl::OkStatus();
  path = std::filesystem::path(config.file).parent_path() / path;
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) {
    file.FailAt(kKeyTokensFile,
                absl::StrCat(std::string(text.status().message()), ": ", Quoted(path)));
    return file.status();
  }
  absl::StatusOr<std::vector<Token>> tokens = ParseTokens(path, *text);
  if (!tokens.ok()) return tokens.status();
  config.auth.tokens = *std::move(tokens);
  return absl::OkStatus();
}

// Whoever reaches a server without tokens may name any user.
absl::Status CheckWhoReaches(const Config& config) {
  if (config.auth.none || !config.auth.tokens_file.empty()) return absl::OkStatus();
  const auto check = [](const std::string& key, const Listen& listen) {
    if (IsLoopback(listen)) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        key, ": ", ToString(listen),
        " is not loopback, and nobody who reaches it would have to say who he is: name a file of "
        "tokens in auth.tokens_file (luna-server --new-token USER makes one), or write auth.none: "
        "true"));
  };
  const absl::Status http = check("server.http (LUNA_HTTP_LISTEN, --http)", config.server.http);
  if (!http.ok()) return http;
  return check("server.grpc (LUNA_GRPC_LISTEN, --grpc)", config.server.grpc);
}

absl::Status CheckKey(const Target& target) {
  if (target.api != Target::Api::kGemini || !target.key.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      target.key_env + ": not set, and llm.mode is api (target " + target.name +
      "): set it to ask Gemini; or ask a local model: LLM_MODE=server with LLM_SERVER_URL, or "
      "./run, which sets one up");
}

}  // namespace

absl::StatusOr<Config> Load(const Flags& flags, const Environment& environment) {
  Config config;
  config.file = flags.config.empty() ? DefaultConfig() : flags.config;
  const absl::StatusOr<std::string> text = ReadFile(config.file);
  if (!text.ok()) {
    return absl::InvalidArgumentError(config.file + ": " + std::string(text.status().message()));
  }
  YamlFile file(config.file);
  const YAML::Node root = file.Parse(*text);
  if (!file.ok()) return file.status();
  const TargetNames names = ReadModelsYaml(file, root, config);
  CheckTogether(config, file);
  if (!file.ok()) return file.status();

  const bool mode_from_file = !environment("LLM_MODE").has_value();
  absl::Status status = Override(flags, environment, names, config);
  if (status.ok()) status = ReadKeys(environment, config);
  if (status.ok()) status = ReadTokens(config, file);
  if (status.ok()) status = CheckWhoReaches(config);
  if (!status.ok()) return status;

  config.llm.default_target = DefaultTarget(config.llm.mode, names);
  if (config.llm.default_target.empty()) {
    const std::string what = absl::StrCat(config.llm.mode, " needs a target under llm.",
                                          config.llm.mode == "api" ? "api" : "servers");
    if (!mode_from_file) return absl::InvalidArgumentError("LLM_MODE: " + what);
    file.FailAt(kKeyMode, what);
    return file.status();
  }
  FindEmotionModel(config);
  ReadSystemPrompt(config, file);
  if (!file.ok()) return file.status();
  status = CheckKey(config.llm.targets.at(config.llm.default_target));
  if (!status.ok()) return status;
  return config;
}

}  // namespace luna::config
