#pragma once

#include <optional>
#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>

namespace luna::http {

// What a request's field may hold beyond its type, from the constants that the checks go by.
struct Limit {
  enum class Text { kAny, kNotEmpty, kNotBlank };

  bool required = false;
  Text text = Text::kAny;         // of a list: each of its texts
  std::optional<int> most_bytes;  // of a text
  std::optional<int> most_items;  // of a list
  std::optional<int> least;       // of a number
  std::optional<int> most;        // of a number
  bool only_true = false;
  std::vector<std::string> values = {};  // these alone
};

// The limit of a request's field; nothing where it has none.
const Limit* FindLimit(const google::protobuf::FieldDescriptor& field);

// The fields that the table names, `FIELD` in any request or `MESSAGE.FIELD`.
std::vector<std::string> LimitedFields();

}  // namespace luna::http
