#include "server/config/shipped.h"

#include <filesystem>
#include <map>

namespace luna::config {

namespace fs = std::filesystem;

namespace {

std::string ExecutableFolder() {
  std::error_code unreadable;  // where there is no /proc, nothing is installed
  return fs::read_symlink("/proc/self/exe", unreadable).parent_path();
}

}  // namespace

std::string ShippedPath(const std::string& name) { return ShippedPath(name, ExecutableFolder()); }

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

std::string DefaultConfig() { return DefaultConfig(ExecutableFolder()); }

std::string DefaultConfig(const std::string& executable_folder) {
  const std::string here = "config/models.yaml";
  const fs::path etc = executable_folder == "/usr/bin" ? "/etc" : executable_folder + "/../etc";
  const fs::path installed = (etc / "luna/models.yaml").lexically_normal();
  std::error_code ignored;
  return !fs::exists(here, ignored) && fs::exists(installed, ignored) ? installed.string() : here;
}

}  // namespace luna::config
