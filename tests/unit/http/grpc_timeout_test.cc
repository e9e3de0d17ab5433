#include "server/http/grpc_timeout.h"

#include <gtest/gtest.h>

namespace luna::http {
namespace {

using namespace std::chrono_literals;

TEST(GrpcTimeout, IsANumberAndAUnit) {
  EXPECT_EQ(ParseGrpcTimeout("2H"), 2h);
  EXPECT_EQ(ParseGrpcTimeout("3M"), 3min);
  EXPECT_EQ(ParseGrpcTimeout("10S"), 10s);
  EXPECT_EQ(ParseGrpcTimeout("500m"), 500ms);
  EXPECT_EQ(ParseGrpcTimeout("7u"), 7us);
  EXPECT_EQ(ParseGrpcTimeout("99999999n"), 99999999ns);
  EXPECT_EQ(ParseGrpcTimeout("0S"), 0s);
}

TEST(GrpcTimeout, IsCutAtADay) { EXPECT_EQ(ParseGrpcTimeout("99999999H"), 24h); }

TEST(GrpcTimeout, IsNothingElse) {
  for (const char* bad : {"", "S", "5", "5s", "-1S", "+1S", " 1S", "1.5S", "123456789S", "1SS"}) {
    EXPECT_EQ(ParseGrpcTimeout(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace luna::http
