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

}  // namespace luna::config
