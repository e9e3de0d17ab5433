#include "server/storage/data_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace luna::storage {
namespace {

using testing::HasSubstr;

TEST(DataDirectory, IsMadeWithItsParents) {
  test::TemporaryFolder folder;
  const auto data = DataDirectory::Open(folder / "a/b");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ((*data)->database(), folder / "a/b/luna.db");
  EXPECT_FALSE((*data)->left_uncleanly());
}

TEST(DataDirectory, ASecondHolderIsRefusedAndToldTheFirst) {
  test::TemporaryFolder folder;
  const auto first = DataDirectory::Open(folder.path());
  ASSERT_TRUE(first.ok());
  const auto second = DataDirectory::Open(folder.path());
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("process " + std::to_string(getpid()) + ";"));
}

TEST(DataDirectory, IsFreeAgainOnceItIsLeft) {
  test::TemporaryFolder folder;
  ASSERT_TRUE(DataDirectory::Open(folder.path()).ok());
  const auto again = DataDirectory::Open(folder.path());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE((*again)->left_uncleanly());
}

TEST(DataDirectory, NoticesThatTheOneBeforeWasKilled) {
  test::TemporaryFolder folder;
  std::ofstream(folder / "luna.lock") << "12345\n";
  const auto data = DataDirectory::Open(folder.path());
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_TRUE((*data)->left_uncleanly());
}

TEST(DataDirectory, RemembersDamage) {
  test::TemporaryFolder folder;
  DataDirectory::Open(folder.path()).value()->MarkDamaged();
  EXPECT_TRUE(DataDirectory::Open(folder.path()).value()->left_uncleanly());
}

TEST(DataDirectory, APathThatIsAFileIsRefusedByName) {
  test::TemporaryFolder folder;
  std::ofstream(folder / "file") << "x";
  const auto data = DataDirectory::Open(folder / "file");
  EXPECT_THAT(std::string(data.status().message()), HasSubstr(folder / "file"));
}

}  // namespace
}  // namespace luna::storage
