#pragma once

#include <string>

namespace luna::config {

// Where a file or folder is that luna ships with. `name` is its path below share/luna where luna is
// installed: `emotion/model.bin`, the emotion model; `web`, the folder of the page. In this order:
// 1. <folder of the executable>/../share/luna/`name`, if it exists: luna is installed. The
//    executable is found through symbolic links.
// 2. Its place in the repository, below the working directory, whether it exists or not.
// Reads the file system, so not for a loop's thread. A name that luna does not ship with is a bug:
// std::out_of_range.
std::string ShippedPath(const std::string& name);

// The same for an executable in this folder.
std::string ShippedPath(const std::string& name, const std::string& executable_folder);

// The configuration that is read where none is named. In this order:
// 1. config/models.yaml below the working directory, if it exists.
// 2. That of the installation, if it exists: /etc/luna/models.yaml for an executable in /usr/bin,
//    else <folder of the executable>/../etc/luna/models.yaml.
// 3. The first again, so that it is the one that is missed.
std::string DefaultConfig();

// The same for an executable in this folder.
std::string DefaultConfig(const std::string& executable_folder);

}  // namespace luna::config
