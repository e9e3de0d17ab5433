#pragma once

#include <string>

#include <absl/status/status.h>

#include "server/config/config.h"
#include "server/config/models_yaml.h"

// What the environment and the flags change in what the file gave.
namespace luna::config {

// The target that a mode asks by default; empty if the mode has none.
std::string DefaultTarget(const std::string& mode, const TargetNames& names);

// Applies the variables, then the flags; an error's message starts with the name of either.
absl::Status Override(const Flags& flags, const Environment& environment, const TargetNames& names,
                      Config& config);

// Reads each target's key from its variable, and that of the engine that translates. A target's
// `key_env` becomes the variable that held it.
absl::Status ReadKeys(const Environment& environment, Config& config);

}  // namespace luna::config
