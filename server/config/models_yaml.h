#pragma once

#include <string>
#include <vector>

#include "server/config/config.h"
#include "server/config/yaml_map.h"

// The keys of config/models.yaml: which there are, what each may hold, and where it goes.
namespace luna::config {

// The targets' names in the file's order, the default ones included.
struct TargetNames {
  std::vector<std::string> api;
  std::vector<std::string> servers;
};

// Reads what `root` has over the defaults in `config`, and adds the default targets; see `file` for
// what is wrong. Paths stay as they are written; `llm.default_target` and the API keys are not set.
TargetNames ReadModelsYaml(YamlFile& file, const YAML::Node& root, Config& config);

// Every key that ReadModelsYaml asks for, in its order, with its default and bounds.
std::vector<KnownKey> KnownKeys();

}  // namespace luna::config
