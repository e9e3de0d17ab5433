#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "server/config/config.h"

namespace luna::config {

// A folder of its own for each test, with a persona and an emotion model at the default places, and
// an environment.
class Loading : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        std::filesystem::path(testing::TempDir()) / ("luna_config." + std::string(test->name()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "prompts");
    std::filesystem::create_directories(folder_ / "emotion");
    Write("emotion/model.bin", "");
    Write("prompts/companion.ko.txt", "너는 루나야.\n");
    environment_["GEMINI_API_KEY"] = "the-secret";
  }

  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  absl::StatusOr<Config> LoadFile(const std::string& path) {
    flags_.config = path;
    return Load(flags_, [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      if (found == environment_.end()) return std::nullopt;
      return found->second;
    });
  }

  absl::StatusOr<Config> LoadText(const std::string& yaml) {
    return LoadFile(Write("models.yaml", yaml));
  }

  Config Loaded(const std::string& yaml) {
    absl::StatusOr<Config> config = LoadText(yaml);
    EXPECT_TRUE(config.ok()) << config.status();
    return config.ok() ? *std::move(config) : Config();
  }

  // The error, without the file's folder.
  std::string Refused(const std::string& yaml) { return Message(LoadText(yaml)); }

  std::string Message(const absl::StatusOr<Config>& config) {
    if (config.ok()) return "loaded";
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
    std::string message(config.status().message());
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    const std::string folder = folder_.string() + "/";
    for (auto at = message.find(folder); at != std::string::npos; at = message.find(folder)) {
      message.erase(at, folder.size());
    }
    return message;
  }

  std::filesystem::path folder_;
  Flags flags_;
  std::map<std::string, std::string> environment_;
};

}  // namespace luna::config
