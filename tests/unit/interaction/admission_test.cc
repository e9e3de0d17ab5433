#include "server/interaction/admission.h"

#include <future>
#include <optional>

#include <gtest/gtest.h>

#include "server/base/error.h"

namespace luna {
namespace {

TEST(Admission, LetsInSoManyAtOnce) {
  Admission admission(2);
  auto first = admission.Enter();
  std::optional<absl::StatusOr<Admission::Place>> second(admission.Enter());
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(second->ok());
  const v1::Error error = ErrorOf(admission.Enter().status());
  EXPECT_EQ(error.code(), "OVERLOADED");
  EXPECT_GT(error.retry_after_ms(), 0);
  second.reset();
  EXPECT_TRUE(admission.Enter().ok());
}

TEST(Admission, ClosesForGoodAndWaitsForThoseInside) {
  Admission admission(2);
  std::optional<absl::StatusOr<Admission::Place>> inside(admission.Enter());
  admission.Close();
  EXPECT_EQ(ErrorOf(admission.Enter().status()).code(), "SHUTTING_DOWN");
  EXPECT_FALSE(admission.WaitUntilEmpty(net::Clock::now()));
  auto empty =
      std::async(std::launch::async, [&] { return admission.WaitUntilEmpty(net::kForever); });
  inside.reset();
  EXPECT_TRUE(empty.get());
}

}  // namespace
}  // namespace luna
