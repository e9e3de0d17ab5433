#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace luna {

// Cuts a growing text into words. A word is its leading white space and what follows up to the next
// white space; trailing white space goes with the last. All words joined are the text, to the byte,
// and how the text was cut into pushes does not change them.
//
// White space is what has Unicode's property White_Space: U+3000 and the no-break spaces too. A run
// of more than 64 bytes is a word of its own, so that memory stays bounded.
//
// No word or piece of one splits an extended grapheme cluster (UAX #29, as ICU has it), as far as
// what has arrived tells. A word over 64 bytes leaves in pieces at cluster borders, as many
// clusters in each as fit in 64 bytes; a longer cluster leaves whole, up to 1 KiB, and is cut
// there.
//
// Does no I/O and knows no time: the caller says when a growing word has been held long enough.
class WordSplitter {
 public:
  // Takes well-formed UTF-8 and appends the words it completed. A word is complete once the next
  // one is seen to start: with the first character after the white space that follows it.
  void Push(std::string_view text, std::vector<std::string>& words);

  // Whether a word is growing.
  bool holding() const { return !growing_.empty(); }

  // The growing word has been held long enough: appends what there is of it, all but a last cluster
  // that is visibly unfinished (it ends in a joiner, which a virama is, a prepended mark or a CR,
  // or is a lone regional indicator or a leading jamo). That may be nothing; only a push changes
  // it.
  void Release(std::vector<std::string>& words);

  // The text has ended: appends what is left.
  void Finish(std::vector<std::string>& words);

 private:
  std::string growing_;  // At most 1 KiB and a run of white space between two pushes.
};

}  // namespace luna
