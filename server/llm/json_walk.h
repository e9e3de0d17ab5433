#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <rapidjson/encodings.h>
#include <rapidjson/reader.h>

namespace luna::llm {

// UTF-8 in which a lone low surrogate that was escaped becomes U+FFFD; RapidJSON lets it pass as
// three ill-formed bytes otherwise (its issue 1738). A lone high one is a parse error.
struct LenientUtf8 : rapidjson::UTF8<> {
  template <typename OutputStream>
  static void Encode(OutputStream& out, unsigned code_point) {
    const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    rapidjson::UTF8<>::Encode(out, surrogate ? 0xFFFD : code_point);
  }
};

// The value of `key` in the object at place `in` stands at place `is`. An empty key: an element of
// the array at `in`.
template <typename Place>
struct Step {
  Place in;
  std::string_view key;
  Place is;
};

// A SAX handler that knows where in a document it stands. `Derived` has a table `kSteps`; its Place
// has kOther (what the table does not name) and kRoot (the document). It hears of the values at
// named places by
//   bool OnString(Place, std::string_view), OnNumber(Place, std::int64_t), OnBool(Place, bool),
//   bool OnEnter(Place), OnLeave(Place)          (objects and arrays)
// each of which ends the parse by returning false. Documents nested over 64 deep are refused.
template <typename Derived, typename Place>
class JsonWalk {
 public:
  bool Null() { return true; }
  bool Bool(bool value) { return self().OnBool(next_, value); }
  bool Int(int value) { return self().OnNumber(next_, value); }
  bool Uint(unsigned value) { return self().OnNumber(next_, value); }
  bool Int64(std::int64_t value) { return self().OnNumber(next_, value); }
  bool Uint64(std::uint64_t) { return true; }
  bool Double(double) { return true; }
  bool RawNumber(const char*, rapidjson::SizeType, bool) { return true; }
  bool String(const char* text, rapidjson::SizeType length, bool) {
    return self().OnString(next_, std::string_view(text, length));
  }
  bool StartObject() { return Enter(); }
  bool StartArray() { return Enter(); }
  bool EndObject(rapidjson::SizeType) { return Leave(); }
  bool EndArray(rapidjson::SizeType) { return Leave(); }
  bool Key(const char* text, rapidjson::SizeType length, bool) {
    next_ = Find(std::string_view(text, length));
    return true;
  }

 private:
  Derived& self() { return static_cast<Derived&>(*this); }

  bool Enter() {
    if (depth_ + 1 == places_.size()) return false;
    places_[++depth_] = next_;
    const bool go_on = self().OnEnter(next_);
    next_ = Find("");
    return go_on;
  }

  bool Leave() {
    const bool go_on = self().OnLeave(places_[depth_--]);
    next_ = Find("");
    return go_on;
  }

  Place Find(std::string_view key) const {
    const Place here = places_[depth_];
    if (here == Place::kOther) return Place::kOther;
    for (const Step<Place>& step : Derived::kSteps) {
      if (step.in == here && step.key == key) return step.is;
    }
    return Place::kOther;
  }

  std::array<Place, 65> places_{Place::kOther};
  std::size_t depth_ = 0;
  Place next_ = Place::kRoot;
};

// Parses `json` in place, which destroys it; views that the handler was given point into it. False
// if it is not one JSON object, or if the handler ended the parse.
template <typename Handler>
bool WalkInSitu(std::string& json, Handler& handler) {
  const std::size_t start = json.find_first_not_of(" \t\r\n");
  if (start == std::string::npos || json[start] != '{') return false;
  rapidjson::GenericInsituStringStream<LenientUtf8> stream(json.data());
  rapidjson::GenericReader<LenientUtf8, LenientUtf8> reader;
  const auto result = reader.Parse<rapidjson::kParseInsituFlag>(stream, handler);
  return !result.IsError() && stream.Tell() == json.size();
}

}  // namespace luna::llm
