#include "server/storage/connection.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/storage/schema.h"
#include "tests/support/temporary_folder.h"

namespace luna::storage {
namespace {

using testing::HasSubstr;

std::set<std::string> Files(const test::TemporaryFolder& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    names.insert(entry.path().filename());
  }
  return names;
}

// Every table, index, view and trigger as SQL.
std::string Schema(const std::string& file) {
  Connection connection(file);
  std::string schema;
  SQLite::Statement rows(connection.database(),
                         "SELECT name || ': ' || coalesce(sql, '') "
                         "FROM sqlite_schema ORDER BY name");
  while (rows.executeStep()) schema += rows.getColumn(0).getString() + "\n";
  return schema;
}

int AddUser(const std::string& file) {
  Connection connection(file);
  connection.Prepare("INSERT INTO users (name) VALUES ('나')")->exec();
  return connection.database().execAndGet("SELECT count(*) FROM users").getInt();
}

TEST(Prepare, MakesADatabaseForItsOwnerAlone) {
  test::TemporaryFolder folder;
  ASSERT_TRUE(Prepare(folder / "luna.db", false).ok());
  struct stat file {};
  ASSERT_EQ(stat((folder / "luna.db").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  EXPECT_EQ(AddUser(folder / "luna.db"), 1);
}

TEST(Prepare, LeavesWhatIsThere) {
  test::TemporaryFolder folder;
  const std::string file = folder / "luna.db";
  ASSERT_TRUE(Prepare(file, false).ok());
  AddUser(file);
  ASSERT_TRUE(Prepare(file, true).ok());
  EXPECT_EQ(Connection(file).database().execAndGet("SELECT count(*) FROM users").getInt(), 1);
}

TEST(Prepare, BringsEveryOlderVersionToThePresentOne) {
  test::TemporaryFolder fresh;
  ASSERT_TRUE(Prepare(fresh / "luna.db", false).ok());
  const int present =
      Connection(fresh / "luna.db").database().execAndGet("PRAGMA user_version").getInt();
  ASSERT_GE(present, 1);
  for (int version = 0; version < present; ++version) {
    test::TemporaryFolder folder;
    {
      Connection connection(folder / "luna.db");
      ASSERT_TRUE(Migrate(connection.database(), version).ok());
      EXPECT_EQ(connection.database().execAndGet("PRAGMA user_version").getInt(), version);
    }
    ASSERT_TRUE(Prepare(folder / "luna.db", false).ok());
    EXPECT_EQ(Schema(folder / "luna.db"), Schema(fresh / "luna.db")) << "from " << version;
  }
}

TEST(Prepare, KeepsWhatAnOlderVersionHolds) {
  test::TemporaryFolder folder;
  const std::string file = folder / "luna.db";
  {
    Connection connection(file);
    ASSERT_TRUE(Migrate(connection.database(), 1).ok());
    connection.database().exec(R"sql(
        INSERT INTO users VALUES (7, '나');
        INSERT INTO turns VALUES (3, 7, 's', 1, 2, '하나', '둘', 'joy', 'm', 'api', 5, 0, 'STOP', 9);
        INSERT INTO summaries VALUES (4, 7, 's', 6, '요약', 1, 1, 3);
        INSERT INTO purges VALUES (1, 0);)sql");
  }
  ASSERT_TRUE(Prepare(file, false).ok());
  const std::string now =
      Connection(file)
          .database()
          .execAndGet(
              "SELECT u.name || u.cache_hits || u.cache_misses || u.cache_saves || t.input || "
              "t.answer || t.tokens || s.content || p.vacuumed || (SELECT count(*) FROM "
              "cached_answers) FROM users u, turns t, summaries s, purges p WHERE t.user = u.id "
              "AND "
              "s.user = u.id AND s.through_id = t.id")
          .getString();
  EXPECT_EQ(now, "나000하나둘9요약00");
}

TEST(Prepare, RefusesTheDatabaseOfANewerLuna) {
  test::TemporaryFolder folder;
  const std::string file = folder / "luna.db";
  ASSERT_TRUE(Prepare(file, false).ok());
  Connection(file).database().exec("PRAGMA user_version = 99");
  const absl::Status refused = Prepare(file, false);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("is of a newer luna (version 99"));
  EXPECT_EQ(Connection(file).database().execAndGet("PRAGMA user_version").getInt(), 99);
}

TEST(Prepare, SetsAsideWhatIsNoDatabase) {
  test::TemporaryFolder folder;
  const std::string file = folder / "luna.db";
  std::ofstream(file) << std::string(8192, 'x');
  ASSERT_TRUE(Prepare(file, false).ok());
  EXPECT_EQ(AddUser(file), 1);
  EXPECT_THAT(Files(folder), testing::Contains(HasSubstr("luna.db.damaged-")));
}

TEST(Prepare, FindsDamageWithinOnceItLooksThoroughly) {
  test::TemporaryFolder folder;
  const std::string file = folder / "luna.db";
  ASSERT_TRUE(Prepare(file, false).ok());
  {
    Connection connection(file);
    SQLite::Transaction transaction(connection.database());
    for (int i = 0; i < 5000; ++i) {
      Query user = connection.Prepare("INSERT INTO users (name) VALUES ('u' || ?1)");
      user->bind(1, i);
      user->exec();
    }
    transaction.commit();
  }
  const auto size = std::filesystem::file_size(file);
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(static_cast<std::streamoff>(size / 2));
  bytes << std::string(20000, '\xee');
  bytes.close();
  ASSERT_TRUE(Prepare(file, true).ok());
  EXPECT_EQ(Connection(file).database().execAndGet("SELECT count(*) FROM users").getInt(), 0);
  EXPECT_THAT(Files(folder), testing::Contains(HasSubstr("luna.db.damaged-")));
}

TEST(Prepare, SaysWhatItCannotOpen) {
  test::TemporaryFolder folder;
  const absl::Status failed = Prepare(folder / "missing/luna.db", false);
  EXPECT_THAT(std::string(failed.message()), HasSubstr("unable to open database file"));
}

}  // namespace
}  // namespace luna::storage
