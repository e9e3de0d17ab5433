#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "luna/v1/memory.pb.h"

namespace luna::memory {

// What is looked for in a turn: words, each of which has to stand somewhere in it, also within
// another word, as Korean's endings want it (날씨 in 날씨가). Composed and decomposed letters are
// the same (NFC), as are large and small ones of ASCII.
class Words {
 public:
  // `keyword` has them with white space between.
  explicit Words(std::string_view keyword);

  bool empty() const { return words_.empty(); }

  // How good a match the turn is: the more often the words stand in it and the shorter it is, and
  // what a person said counts twice. Nothing where one of them is missing.
  std::optional<double> Score(std::string_view input, std::string_view answer) const;

  // The passage of what was said, else of the answer, in which the first of them stands, in parts.
  void AddSnippet(v1::Conversation& turn) const;

 private:
  struct Place {
    std::size_t begin = std::string_view::npos;
    std::size_t end = std::string_view::npos;
  };

  Place FirstOf(std::string_view text, std::size_t from) const;

  std::vector<std::string> words_;  // composed, small
};

}  // namespace luna::memory
