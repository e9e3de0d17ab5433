#include "server/telemetry/metrics.h"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/telemetry/request_id.h"

namespace luna::telemetry {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

TEST(Metrics, CountRequestsByTransportCodeAndStage) {
  Metrics metrics;
  metrics.RequestEnded("grpc", "OK", "");
  metrics.RequestEnded("grpc", "OK", "");
  metrics.RequestEnded("http", "UPSTREAM_TIMEOUT", "first_token");
  const std::string text = metrics.Text();
  EXPECT_THAT(text, ContainsRegex("luna_requests_total\\{[^}]*grpc[^}]*\\} 2\n"));
  EXPECT_THAT(text, ContainsRegex("luna_requests_total\\{[^}]*UPSTREAM_TIMEOUT[^}]*\\} 1\n"));
}

TEST(Metrics, CountWhatIsOpenForAsLongAsItIs) {
  Metrics metrics;
  std::optional<Counted> open(metrics.StreamsOpen("http"));
  EXPECT_THAT(metrics.Text(), HasSubstr("luna_streams_open{transport=\"http\"} 1\n"));
  open.reset();
  EXPECT_THAT(metrics.Text(), HasSubstr("luna_streams_open{transport=\"http\"} 0\n"));
}

TEST(Metrics, ShowTheProcess) {
  Metrics metrics;
  const std::string text = metrics.Text();
  EXPECT_THAT(text, ContainsRegex("process_open_fds [1-9]"));
  EXPECT_THAT(text, ContainsRegex("process_resident_memory_bytes [1-9]"));
}

TEST(RequestId, KeepsACallersOwnWhereItIsHarmless) {
  EXPECT_EQ(RequestId("a-1_B.c"), "a-1_B.c");
  for (const std::string& bad : {std::string(), std::string(129, 'a'), std::string("a b"),
                                 std::string("a\nb"), std::string("가")}) {
    const std::string made = RequestId(bad);
    EXPECT_EQ(made.size(), 32u);
    EXPECT_NE(made, RequestId(bad));
  }
}

}  // namespace
}  // namespace luna::telemetry
