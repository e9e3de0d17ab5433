#include "server/config/shipped.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tests/unit/config/loading.h"

namespace luna::config {
namespace {

namespace fs = std::filesystem;

TEST(Shipped, WhereItIsInstalledItIsTakenFromThere) {
  const test::TemporaryFolder folder;
  fs::create_directories(folder / "share/luna/emotion");
  std::ofstream(folder / "share/luna/emotion/model.bin") << "the model";
  EXPECT_EQ(ShippedPath("emotion/model.bin", folder / "bin"),
            folder / "share/luna/emotion/model.bin");
  EXPECT_EQ(ShippedPath("web", folder / "bin"), "client/web");
}

TEST(Shipped, ElsewhereItIsTakenFromTheRepository) {
  EXPECT_EQ(ShippedPath("emotion/model.bin"), "config/emotion/model.bin");
  EXPECT_EQ(ShippedPath("web"), "client/web");
}

TEST(Default, TheConfigurationBelowTheWorkingDirectoryBeatsTheInstalledOne) {
  const test::TemporaryFolder folder;
  const test::TemporaryFolder working;
  const fs::path started_in = fs::current_path();
  fs::current_path(working.path());
  EXPECT_EQ(DefaultConfig(folder / "bin"), "config/models.yaml");
  fs::create_directories(folder / "etc/luna");
  std::ofstream(folder / "etc/luna/models.yaml") << "data_dir: installed";
  EXPECT_EQ(DefaultConfig(folder / "bin"), folder / "etc/luna/models.yaml");
  fs::create_directories("config");
  std::ofstream("config/models.yaml") << "data_dir: here";
  EXPECT_EQ(DefaultConfig(folder / "bin"), "config/models.yaml");
  fs::current_path(started_in);
}

class ShippedModel : public Loading {
 protected:
  void SetUp() override {
    Loading::SetUp();
    started_in_ = fs::current_path();
    fs::create_directories(working_.path() + "/config/emotion");
    std::ofstream(working_ / "config/emotion/model.bin") << "the model";
    fs::current_path(working_.path());
  }
  void TearDown() override {
    fs::current_path(started_in_);
    Loading::TearDown();
  }

 private:
  const test::TemporaryFolder working_;
  fs::path started_in_;
};

TEST_F(ShippedModel, ServesAConfigurationWithoutAModelBesideIt) {
  fs::remove(folder_ / "emotion/model.bin");
  EXPECT_EQ(Loaded("").emotion.model_file, "config/emotion/model.bin");
}

TEST_F(ShippedModel, GivesWayToTheOneBesideTheConfiguration) {
  EXPECT_EQ(Loaded("").emotion.model_file, folder_ / "emotion/model.bin");
}

TEST_F(ShippedModel, IsNotTakenForAnotherThatIsNamed) {
  EXPECT_EQ(Loaded("emotion: {model_file: other.bin}").emotion.model_file, folder_ / "other.bin");
}

}  // namespace
}  // namespace luna::config
