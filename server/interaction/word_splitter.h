#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace luna {

// Cuts a growing text into words. A word is its leading white space and what follows up to the next
// white space; trailing white space goes with the last. All words joined are the text, to the byte.
//
// No word or piece of one splits an extended grapheme cluster (UAX #29), as far as what has arrived tells.
// A word over 64 bytes leaves in pieces at cluster borders, a longer cluster whole, up to 1 KiB.
// Does no I/O and knows no time: the caller says when a growing word has been held long enough.
class WordSplitter {
 public:
  WordSplitter();
  ~WordSplitter();

  // Takes well-formed UTF-8 and appends the words it completed.
  void Push(std::string_view text, std::vector<std::string>& words);

  // Whether a word is growing.
  bool holding() const;

  // The growing word has been held long enough: appends what there is of it, all but a last cluster
  // that is visibly unfinished (it ends in a joiner, or is a lone regional indicator or a leading jamo).
  void Release(std::vector<std::string>& words);

  // The text has ended: appends what is left.
  void Finish(std::vector<std::string>& words);
};

}  // namespace luna
