#include "server/base/exact_json.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace luna {
namespace {

double Number(const std::string& json) {
  rapidjson::Document document;
  EXPECT_FALSE(ParseExactly(json, document).IsError()) << json;
  EXPECT_TRUE(document.IsNumber()) << json;
  return document.IsNumber() ? document.GetDouble() : NAN;
}

TEST(ExactJsonTest, NumbersAreExact) {
  for (const auto& [json, value] :
       {std::pair("0e161", 0.0), std::pair("0e-161", 0.0), std::pair("0.0e-99", 0.0),
        std::pair("1e-400", 0.0), std::pair("5e-324", 5e-324), std::pair("0.1", 0.1),
        std::pair("-1.5E3", -1500.0), std::pair("9007199254740993.0", 9007199254740992.0),
        std::pair("2.2250738585072011e-308", 2.2250738585072011e-308),
        std::pair("1.7976931348623157e308", 1.7976931348623157e308)}) {
    EXPECT_EQ(Number(json), value) << json;
  }
}

TEST(ExactJsonTest, WholeNumbersStayWhole) {
  rapidjson::Document document;
  ASSERT_FALSE(
      ParseExactly("[-9223372036854775808, 18446744073709551615, 0, 1e2]", document).IsError());
  EXPECT_EQ(document[0].GetInt64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(document[1].GetUint64(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(document[2].GetInt(), 0);
  EXPECT_FALSE(document[3].IsInt());
}

TEST(ExactJsonTest, WhatIsNoJsonIsRefusedAndItsPlaceTold) {
  for (const char* json : {"", "01", "+1", ".5", "1.", "1e", "0x1", "NaN", "1e999", "-1e999",
                           "[1,]", "{\"a\" 1}", "\"\n\"", "1 2"}) {
    rapidjson::Document document;
    EXPECT_TRUE(ParseExactly(json, document).IsError()) << json;
  }
  rapidjson::Document document;
  EXPECT_EQ(ParseExactly("{\"a\": tru}", document).Offset(), 9u);
}

TEST(ExactJsonTest, DepthCostsNoStack) {
  const std::string deep(1 << 20, '[');
  rapidjson::Document document;
  EXPECT_TRUE(ParseExactly(deep, document).IsError());
}

}  // namespace
}  // namespace luna
