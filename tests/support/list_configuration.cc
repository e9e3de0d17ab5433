// Writes what server/config asks for, a line each with tabs between its parts: `key PATH TYPE
// DEFAULT ALLOWED` for each key of models.yaml, then `variable NAME` for each variable of the
// environment.

#include <iostream>
#include <optional>
#include <set>
#include <string>

#include <absl/strings/str_split.h>

#include "server/config/environment.h"
#include "server/config/models_yaml.h"

namespace {

using namespace luna::config;

// The variables that are asked for where this engine translates.
void AddVariables(const std::string& engine, std::set<std::string>& variables) {
  YamlFile file("");
  Config config;
  const TargetNames names = ReadModelsYaml(file, YAML::Node(), config);
  config.translation.engine = engine;
  const Environment record = [&](const std::string& name) -> std::optional<std::string> {
    variables.insert(name);
    return std::nullopt;
  };
  const absl::Status wrong = Override({}, record, names, config);
  if (!wrong.ok() || !ReadKeys(record, config).ok()) std::exit(1);
}

}  // namespace

int main() {
  std::set<std::string> variables;
  for (const KnownKey& key : KnownKeys()) {
    std::cout << "key\t" << key.path << '\t' << key.type << '\t' << key.usual << '\t' << key.allowed
              << '\n';
    if (key.path != "translation.engine") continue;
    for (const auto engine : absl::StrSplit(key.allowed, ", ")) {
      AddVariables(std::string(engine), variables);
    }
  }
  for (const std::string& name : variables) std::cout << "variable\t" << name << '\n';
}
