#include "server/interaction/word_splitter.h"

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <unicode/brkiter.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

#include "server/base/utf8.h"
#include "server/interaction/chunker.h"
#include "tests/fuzz/check.h"

// An input is a seed for the pieces, one for what happens between them, and the text.
namespace luna::fuzz {
namespace {

using Words = std::vector<std::string>;

constexpr std::size_t kLongestPiece = 64;
constexpr std::size_t kLongestCluster = 1024;
constexpr std::size_t kLongestCharacter = 4;

std::string Joined(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += word;
  return text;
}

// Pieces as a model's are: no code point is split.
Words WellFormedPieces(const std::string& text, std::uint8_t seed) {
  Words pieces;
  std::string rest;
  for (const std::vector<char>& piece : Pieces(text, seed)) {
    rest += View(piece);
    const std::size_t whole = utf8::CompletePrefix(rest);
    pieces.push_back(rest.substr(0, whole));
    rest.erase(0, whole);
  }
  return pieces;
}

std::set<std::size_t> ClusterBorders(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  static const std::unique_ptr<icu::BreakIterator> clusters(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), error));
  UText view = UTEXT_INITIALIZER;
  utext_openUTF8(&view, text.data(), static_cast<std::int64_t>(text.size()), &error);
  clusters->setText(&view, error);
  utext_close(&view);
  Check(U_SUCCESS(error), "ICU works");
  std::set<std::size_t> borders;
  for (int at = clusters->first(); at != icu::BreakIterator::DONE; at = clusters->next()) {
    borders.insert(at);
  }
  return borders;
}

bool IsWhite(std::string_view text, std::size_t at) {
  UChar32 character;
  U8_NEXT_UNSAFE(text, at, character);
  return u_isUWhiteSpace(character);
}

// Where words start: at white space after something else, if a word follows it, or more of it than
// stays in memory.
std::set<std::size_t> WordStarts(std::string_view text, const std::set<std::size_t>& borders) {
  std::set<std::size_t> starts;
  std::size_t run = std::string_view::npos;  // where white space started that may start a word
  bool white_before = true;
  for (std::size_t at = 0; at < text.size();) {
    const bool white = IsWhite(text, at);
    if (white && !white_before && borders.count(at) > 0) run = at;
    std::size_t next = at;
    U8_FWD_1(text.data(), next, text.size());
    if (run != text.npos && (!white || next - run > kLongestPiece)) {
      starts.insert(run);
      run = std::string_view::npos;
    }
    white_before = white;
    at = next;
  }
  return starts;
}

void CheckWords(const Words& words, const std::string& text) {
  Check(Joined(words) == text, "the words joined are the text");
  for (const std::string& word : words) {
    Check(!word.empty() && utf8::IsValid(word), "a word is UTF-8 and not empty", word);
    Check(word.size() <= kLongestCluster, "a word has at most 1 KiB", word);
  }
}

// Every word starts where it should, and is cut elsewhere only where that is allowed.
void CheckWhole(const Words& words, const std::string& text) {
  CheckWords(words, text);
  const std::set<std::size_t> borders = ClusterBorders(text);
  if (text.size() > kLongestCluster) return;  // clusters may be cut: as far as the checks go
  std::set<std::size_t> starts = WordStarts(text, borders);
  starts.insert(text.size());
  std::size_t begin = 0;
  for (const std::string& word : words) {
    const std::size_t end = begin + word.size();
    Check(borders.count(end) > 0, "no word splits a cluster", word);
    const std::size_t start = *starts.upper_bound(begin);
    Check(end <= start, "a word ends where the next starts", word);
    const std::size_t next = end == text.size() ? end : *borders.upper_bound(end);
    Check(end == start || next - begin > kLongestPiece, "only long words are cut", word);
    begin = end;
  }
}

// Words that leave early split no cluster, as far as what has arrived tells; what waits is bounded.
void CheckReleased(const Words& pieces, const std::string& text, std::uint8_t seed) {
  std::minstd_rand random(seed);
  WordSplitter splitter;
  Words words;
  std::string arrived;
  std::size_t seen = 0;
  std::size_t begin = 0;  // of the word after those seen
  const auto check = [&] {
    if (seen == words.size()) return;
    std::size_t base = begin;
    std::set<std::size_t> borders = ClusterBorders(std::string_view(arrived).substr(base));
    for (; seen < words.size(); ++seen) {
      const std::string& word = words[seen];
      begin += word.size();
      if (borders.count(begin - base) > 0) continue;
      Check(word.size() > kLongestCluster - kLongestCharacter, "no word splits a cluster", word);
      base = begin;
      borders = ClusterBorders(std::string_view(arrived).substr(base));
    }
  };
  for (const std::string& piece : pieces) {
    arrived += piece;
    splitter.Push(piece, words);
    check();
    Check(splitter.holding() == (begin < arrived.size()), "what is held is what did not leave");
    Check(arrived.size() - begin <= kLongestCluster + kLongestPiece + kLongestCharacter,
          "what waits is bounded");
    if (random() % 4 > seed % 4) continue;
    splitter.Release(words);
    check();
    const std::size_t released = words.size();
    splitter.Release(words);
    Check(words.size() == released, "only a push changes what may leave");
  }
  splitter.Finish(words);
  check();
  Check(!splitter.holding(), "nothing is left");
  CheckWords(words, text);
}

void CheckChunker(const Words& pieces, const std::string& text, std::uint8_t seed) {
  std::minstd_rand random(seed);
  config::Stream options;
  if (seed % 2 == 1) options.chunking = config::Stream::Chunking::kRaw;
  options.buffer = {.words = 1 + seed / 2 % 4, .wait = config::milliseconds(seed / 8)};
  Chunker chunker(options);
  Words chunks;
  net::TimePoint now{};
  for (const std::string& piece : pieces) {
    if (piece.empty()) continue;
    chunker.Push(piece, now, chunks);
    now += config::milliseconds(random() % 150);
    if (chunker.due() > now) continue;
    chunker.Release(now, chunks);
    Check(chunker.due() > now || options.buffer.wait.count() == 0, "what was due has left");
    Check(text.compare(0, Joined(chunks).size(), Joined(chunks)) == 0, "the chunks are a prefix");
  }
  chunker.Finish(chunks);
  Check(chunker.due() == net::kForever, "nothing is due in the end");
  Check(Joined(chunks) == text, "the chunks joined are the text");
  for (const std::string& chunk : chunks) {
    Check(!chunk.empty() && utf8::IsValid(chunk), "a chunk is UTF-8 and not empty", chunk);
  }
}

Words Split(const Words& pieces) {
  WordSplitter splitter;
  Words words;
  for (const std::string& piece : pieces) splitter.Push(piece, words);
  splitter.Finish(words);
  return words;
}

void Run(std::string_view input) {
  const std::uint8_t cuts = TakeByte(input);
  const std::uint8_t events = TakeByte(input);
  std::string text(input);
  utf8::Repair(text);
  const Words pieces = WellFormedPieces(text, cuts);
  const Words whole = Split({text});
  CheckWhole(whole, text);
  Check(Split(pieces) == whole, "how the text is cut changes no word");
  CheckReleased(pieces, text, events);
  CheckChunker(pieces, text, events);
}

}  // namespace
}  // namespace luna::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  luna::fuzz::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
