#pragma once

#include <string>

#include <gtest/gtest.h>

#include "server/storage/connection.h"
#include "tests/support/temporary_folder.h"

namespace luna::test {

// The file of an empty database in `folder`, ready for connections.
inline std::string ReadyDatabase(const TemporaryFolder& folder) {
  std::string file = folder / "luna.db";
  EXPECT_TRUE(storage::Prepare(file, false).ok());
  return file;
}

}  // namespace luna::test
