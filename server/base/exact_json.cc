#include "server/base/exact_json.h"

#include <cmath>
#include <cstdint>
#include <string>

#include <absl/strings/numbers.h>
#include <absl/strings/string_view.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace luna {
namespace {

// Hands everything on, a number once it has been read.
class ExactNumbers {
 public:
  explicit ExactNumbers(rapidjson::Document& next) : next_(next) {}

  bool RawNumber(const char* digits, rapidjson::SizeType length, bool) {
    const absl::string_view number(digits, length);
    std::int64_t whole = 0;
    std::uint64_t large = 0;
    double real = 0;
    if (number.find_first_of(".eE") == number.npos) {
      if (absl::SimpleAtoi(number, &whole)) return next_.Int64(whole);
      if (absl::SimpleAtoi(number, &large)) return next_.Uint64(large);
    }
    return absl::SimpleAtod(number, &real) && std::isfinite(real) && next_.Double(real);
  }

  bool Null() { return next_.Null(); }
  bool Bool(bool value) { return next_.Bool(value); }
  bool Int(int value) { return next_.Int(value); }
  bool Uint(unsigned value) { return next_.Uint(value); }
  bool Int64(std::int64_t value) { return next_.Int64(value); }
  bool Uint64(std::uint64_t value) { return next_.Uint64(value); }
  bool Double(double value) { return next_.Double(value); }
  bool String(const char* text, rapidjson::SizeType length, bool copy) {
    return next_.String(text, length, copy);
  }
  bool StartObject() { return next_.StartObject(); }
  bool Key(const char* text, rapidjson::SizeType length, bool copy) {
    return next_.Key(text, length, copy);
  }
  bool EndObject(rapidjson::SizeType members) { return next_.EndObject(members); }
  bool StartArray() { return next_.StartArray(); }
  bool EndArray(rapidjson::SizeType elements) { return next_.EndArray(elements); }

 private:
  rapidjson::Document& next_;
};

}  // namespace

rapidjson::ParseResult ParseExactly(std::string_view text, rapidjson::Document& document) {
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
  rapidjson::ParseResult result;
  const auto parse = [&](rapidjson::Document& values) {
    rapidjson::MemoryStream stream(text.data(), text.size());
    ExactNumbers numbers(values);
    rapidjson::Reader reader;
    result = reader.Parse<kFlags>(stream, numbers);
    return !result.IsError();
  };
  document.Populate(parse);
  return result;
}

}  // namespace luna
