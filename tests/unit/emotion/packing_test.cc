#include "server/emotion/packing.h"

#include <cmath>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace luna::emotion {
namespace {

std::string Bytes(const std::vector<float>& numbers) {
  std::string bytes(numbers.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

std::vector<float> Numbers(const std::string& bytes) {
  std::vector<float> numbers(bytes.size() / sizeof(float));
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

TEST(PackMatrix, KeepsEachNumberToWithinAHundredthOfItsRowsLargest) {
  const std::vector<float> numbers = {1, -0.5, 0.003f, 1000, -999, 0, 1e-30f, 0, -1e-30f, 0, 0, 0};
  const Matrix matrix{.offset = 0, .rows = 4, .columns = 3};
  const std::string packed = PackMatrix(Bytes(numbers), matrix);
  EXPECT_EQ(packed.size(), 4u * (2 + 3));
  const std::vector<float> again = Numbers(UnpackMatrix(packed, matrix).value());
  ASSERT_EQ(again.size(), numbers.size());
  const float largest[] = {1, 1000, 1e-30f, 0};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_LE(std::abs(again[i] - numbers[i]), largest[i / 3] / 100) << i;
  }
}

TEST(PackMatrix, LeavesWhatIsAroundTheMatrix) {
  const Matrix matrix{.offset = 4, .rows = 1, .columns = 2};
  const std::string file = "head" + Bytes({0, 0}) + "tail";
  EXPECT_EQ(UnpackMatrix(PackMatrix(file, matrix), matrix), file);
}

TEST(UnpackMatrix, RefusesWhatIsTooShort) {
  const Matrix matrix{.offset = 4, .rows = 2, .columns = 2};
  const std::string packed = PackMatrix("head" + Bytes({1, 2, 3, 4}), matrix);
  for (std::size_t size = 0; size < packed.size(); ++size) {
    EXPECT_EQ(UnpackMatrix(packed.substr(0, size), matrix), std::nullopt) << size;
  }
  EXPECT_NE(UnpackMatrix(packed, matrix), std::nullopt);
}

TEST(UnpackMatrix, RefusesSidesThatNoModelHas) {
  constexpr std::size_t kHuge = static_cast<std::size_t>(1) << 62;
  EXPECT_EQ(UnpackMatrix("", {.offset = 0, .rows = kHuge, .columns = 4}), std::nullopt);
  EXPECT_EQ(UnpackMatrix("", {.offset = 0, .rows = 4, .columns = kHuge}), std::nullopt);
  EXPECT_EQ(UnpackMatrix("", {.offset = kHuge, .rows = 1, .columns = 1}), std::nullopt);
}

}  // namespace
}  // namespace luna::emotion
