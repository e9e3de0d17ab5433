#include "server/memory/words.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <absl/strings/ascii.h>
#include <absl/strings/str_split.h>
#include <unicode/utf8.h>

#include "server/base/utf8.h"

namespace luna::memory {
namespace {

// Characters of a snippet before its first match, and in all.
constexpr int kBefore = 30;
constexpr int kInAll = 100;
// Very short turns are not better than short ones.
constexpr std::size_t kShortBytes = 64;

// `word` is small already.
std::size_t Find(std::string_view text, const std::string& word, std::size_t from) {
  const bool has_cases = std::any_of(word.begin(), word.end(), absl::ascii_isalpha);
  if (!has_cases) return text.find(word, from);
  const auto found = std::search(text.begin() + from, text.end(), word.begin(), word.end(),
                                 [](char a, char b) { return absl::ascii_tolower(a) == b; });
  return found == text.end() ? text.npos : static_cast<std::size_t>(found - text.begin());
}

int Count(std::string_view text, const std::string& word) {
  int count = 0;
  for (std::size_t at = Find(text, word, 0); at != text.npos;
       at = Find(text, word, at + word.size())) {
    ++count;
  }
  return count;
}

// Moves `at` by so many characters, within the text.
std::size_t Move(std::string_view text, std::size_t at, int characters) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const auto length = static_cast<std::int32_t>(text.size());
  auto place = static_cast<std::int32_t>(at);
  if (characters < 0) {
    U8_BACK_N(bytes, 0, place, -characters);
  } else {
    U8_FWD_N(bytes, place, length, characters);
  }
  return static_cast<std::size_t>(place);
}

void AddPart(std::string_view text, bool match, v1::Conversation& turn) {
  if (text.empty()) return;
  v1::SnippetPart& part = *turn.add_snippet();
  part.set_text(std::string(text));
  part.set_match(match);
}

}  // namespace

Words::Words(std::string_view keyword) {
  std::string composed;
  const std::string_view text = utf8::Compose(keyword, composed);
  const std::string small = absl::AsciiStrToLower(absl::string_view(text.data(), text.size()));
  words_ = absl::StrSplit(small, absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty());
}

std::optional<double> Words::Score(std::string_view input, std::string_view answer) const {
  std::string composed_input;
  std::string composed_answer;
  input = utf8::Compose(input, composed_input);
  answer = utf8::Compose(answer, composed_answer);
  double matches = 0;
  for (const std::string& word : words_) {
    const int count = 2 * Count(input, word) + Count(answer, word);
    if (count == 0) return std::nullopt;
    matches += count;
  }
  return matches / std::sqrt(static_cast<double>(input.size() + answer.size() + kShortBytes));
}

// The first match, the longest where several begin there.
Words::Place Words::FirstOf(std::string_view text, std::size_t from) const {
  Place first;
  for (const std::string& word : words_) {
    const std::size_t begin = Find(text, word, from);
    if (begin == text.npos) continue;
    const std::size_t end = begin + word.size();
    if (begin < first.begin || (begin == first.begin && end > first.end)) first = {begin, end};
  }
  return first;
}

void Words::AddSnippet(v1::Conversation& turn) const {
  std::string composed;
  std::string_view text = utf8::Compose(turn.user_message(), composed);
  Place match = FirstOf(text, 0);
  if (match.begin == text.npos) {
    composed.clear();
    text = utf8::Compose(turn.assistant_message(), composed);
    match = FirstOf(text, 0);
  }
  if (match.begin == text.npos) return;
  std::size_t at = Move(text, match.begin, -kBefore);
  const std::size_t end = std::max(Move(text, at, kInAll), match.end);
  if (at > 0) AddPart("…", false, turn);
  while (match.end <= end) {
    AddPart(text.substr(at, match.begin - at), false, turn);
    AddPart(text.substr(match.begin, match.end - match.begin), true, turn);
    at = match.end;
    match = FirstOf(text, at);
  }
  AddPart(text.substr(at, end - at), false, turn);
  if (end < text.size()) AddPart("…", false, turn);
}

}  // namespace luna::memory
