#include "server/config/environment.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "server/config/formats.h"
#include "server/config/yaml_map.h"

namespace luna::config {
namespace {

std::string NotMode(const std::string& text) {
  return text == "api" || text == "server" ? "" : "expected one of api, server" + Got(text);
}

// It leaves in a header.
std::string NotAzureRegion(const std::string& text) {
  const bool plain =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return absl::ascii_isalnum(c); });
  return plain ? "" : "expected a region such as koreacentral" + Got(text);
}

// Values by the name of the variable or flag that they come from; the first failure is kept.
class Overrides {
 public:
  explicit Overrides(Environment environment) : environment_(std::move(environment)) {}

  void Variable(const std::string& name, const Check& check, std::string& value) {
    if (const auto given = environment_(name)) Set(name, *given, check, value);
  }

  // A value that is empty says nothing.
  void Set(const std::string& name, const std::string& given, const Check& check,
           std::string& value) {
    if (given.empty() || !status_.ok()) return;
    const bool one_line = std::none_of(given.begin(), given.end(),
                                       [](unsigned char c) { return absl::ascii_iscntrl(c); });
    const std::string wrong = one_line ? check(given) : "expected one line of text" + Got(given);
    if (wrong.empty()) {
      value = given;
    } else {
      status_ = absl::InvalidArgumentError(name + ": " + wrong);
    }
  }

  const absl::Status& status() const { return status_; }

 private:
  const Environment environment_;
  absl::Status status_;
};

// See config::Target about thinking.
void ReplaceModel(const std::string& model, Target& target) {
  if (model == target.model) return;
  target.model = model;
  const bool budgeted = absl::StartsWith(model, "gemini-2.5");
  const bool must_think = absl::StartsWith(model, "gemini-2.5-pro");
  if (!budgeted || (must_think && target.thinking_budget == 0)) target.thinking_budget.reset();
  if (budgeted) target.thinking_level.reset();
}

// Reads a key, which stays empty where the variable is not set.
absl::Status ReadKey(const Environment& environment, const std::string& variable,
                     std::string& key) {
  const std::string given(absl::StripAsciiWhitespace(environment(variable).value_or("")));
  // It leaves in a header.
  const bool printable = std::all_of(given.begin(), given.end(),
                                     [](unsigned char c) { return absl::ascii_isgraph(c); });
  if (!printable) {
    return absl::InvalidArgumentError(variable +
                                      ": not a key: it may hold only ASCII, and no white space");
  }
  key = given;
  return absl::OkStatus();
}

std::string FirstOr(const std::string& preferred, const std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), preferred) != names.end()) return preferred;
  return names.empty() ? "" : names.front();
}

}  // namespace

Environment ProcessEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
}

std::string DefaultTarget(const std::string& mode, const TargetNames& names) {
  return mode == "api" ? FirstOr("gemini", names.api) : FirstOr("main", names.servers);
}

absl::Status Override(const Flags& flags, const Environment& environment, const TargetNames& names,
                      Config& config) {
  Overrides overrides(environment);
  overrides.Variable("LLM_MODE", NotMode, config.llm.mode);
  if (const auto api = config.llm.targets.find(DefaultTarget("api", names));
      api != config.llm.targets.end()) {
    std::string model = api->second.model;
    overrides.Variable("GEMINI_MODEL", NotGeminiModel, model);
    ReplaceModel(model, api->second);
  }
  if (const auto server = config.llm.targets.find(DefaultTarget("server", names));
      server != config.llm.targets.end()) {
    overrides.Variable("LLM_SERVER_URL", NotUrl, server->second.url);
    overrides.Variable("LLM_MODEL_ALIAS", NotEmpty, server->second.model);
    server->second.url = WithoutTrailingSlashes(server->second.url);
  }
  if (config.translation.engine == "azure") {
    AzureTranslator& azure = config.translation.azure;
    overrides.Variable(kAzureTranslatorEndpoint, NotUrl, azure.url);
    overrides.Variable(kAzureTranslatorRegion, NotAzureRegion, azure.region);
    azure.url = WithoutTrailingSlashes(azure.url);
  }
  std::string http = ToString(config.server.http);
  std::string grpc = ToString(config.server.grpc);
  overrides.Variable("LUNA_HTTP_LISTEN", NotListen, http);
  overrides.Variable("LUNA_GRPC_LISTEN", NotListen, grpc);
  overrides.Variable("LUNA_DATA_DIR", NotEmpty, config.data_dir);
  overrides.Set("--http", flags.http, NotListen, http);
  overrides.Set("--grpc", flags.grpc, NotListen, grpc);
  overrides.Set("--data-dir", flags.data_dir, NotEmpty, config.data_dir);
  config.server.http = *ParseListen(http);
  config.server.grpc = *ParseListen(grpc);
  return overrides.status();
}

absl::Status ReadKeys(const Environment& environment, Config& config) {
  for (auto& [name, target] : config.llm.targets) {
    std::vector<std::string> variables;
    if (!target.key_env.empty()) variables.push_back(target.key_env);
    if (target.key_env == "GEMINI_API_KEY") variables.push_back("GENAI_API_KEY");
    for (const std::string& variable : variables) {
      const absl::Status status = ReadKey(environment, variable, target.key);
      if (!status.ok()) return status;
      if (target.key.empty()) continue;
      target.key_env = variable;
      break;
    }
  }
  Translation& translation = config.translation;
  absl::Status status;
  if (translation.engine == "azure") {
    status = ReadKey(environment, kAzureTranslatorKey, translation.azure.key);
  } else if (translation.engine == "libretranslate" &&
             !translation.libretranslate.key_env.empty()) {
    status =
        ReadKey(environment, translation.libretranslate.key_env, translation.libretranslate.key);
  }
  return status;
}

}  // namespace luna::config
