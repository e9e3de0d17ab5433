#include "server/config/shipped.h"

#include <filesystem>
#include <map>

namespace luna::config {

namespace fs = std::filesystem;

std::string ShippedPath(const std::string& name) {
  std::error_code unreadable;  // where there is no /proc, nothing is installed
  const fs::path executable = fs::read_symlink("/proc/self/exe", unreadable);
  return ShippedPath(name, executable.parent_path());
}

std::string ShippedPath(const std::string& name, const std::string& executable_folder) {
  static const std::map<std::string, std::string> in_repository = {
      {"emotion/model.bin", "config/emotion/model.bin"},
      {"web", "client/web"},
  };
  const std::string& otherwise = in_repository.at(name);
  const fs::path installed =
      (fs::path(executable_folder) / "../share/luna" / name).lexically_normal();
  std::error_code ignored;
  return fs::exists(installed, ignored) ? installed.string() : otherwise;
}

}  // namespace luna::config
