#include "server/interaction/word_splitter.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>

#include <unicode/brkiter.h>
#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

namespace luna {
namespace {

constexpr std::size_t kLongestPiece = 64;
constexpr std::size_t kLongestCluster = 1024;

void Check(UErrorCode error) {
  if (U_FAILURE(error)) throw std::runtime_error(u_errorName(error));
}

std::unique_ptr<icu::BreakIterator> MakeClusters() {
  UErrorCode error = U_ZERO_ERROR;
  std::unique_ptr<icu::BreakIterator> clusters(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), error));
  Check(error);
  return clusters;
}

// The cluster borders of `text`, valid until the thread's next call: making an iterator is slow.
icu::BreakIterator& ClustersOf(std::string_view text) {
  thread_local const std::unique_ptr<icu::BreakIterator> clusters = MakeClusters();
  UErrorCode error = U_ZERO_ERROR;
  UText view = UTEXT_INITIALIZER;
  utext_openUTF8(&view, text.data(), static_cast<std::int64_t>(text.size()), &error);
  clusters->setText(&view, error);
  utext_close(&view);
  Check(error);
  return *clusters;
}

UChar32 Next(std::string_view text, std::size_t& position) {
  UChar32 character;
  U8_NEXT_UNSAFE(text, position, character);
  return character;
}

UChar32 Last(std::string_view text) {
  std::size_t position = text.size();
  UChar32 character;
  U8_PREV_UNSAFE(text, position, character);
  return character;
}

std::size_t CharacterStart(std::string_view text, std::size_t position) {
  while (U8_IS_TRAIL(text[position])) --position;
  return position;
}

int ClusterBreak(UChar32 character) {
  return u_getIntPropertyValue(character, UCHAR_GRAPHEME_CLUSTER_BREAK);
}

bool IsWhiteSpace(UChar32 character) {
  if (character < 0x80) return character == ' ' || (character >= '\t' && character <= '\r');
  return character <= 0x3000 && u_isUWhiteSpace(character);
}

// Whether white space after `text` belongs to its last cluster. Of all rules only GB9b does that:
// what follows a prepended mark, unless it is a control, such as a line feed.
bool Binds(std::string_view text, UChar32 white_space) {
  return static_cast<unsigned char>(text.back()) >= 0x80 &&
         ClusterBreak(Last(text)) == U_GCB_PREPEND && ClusterBreak(white_space) == U_GCB_OTHER;
}

// The length of the first piece of `text`, 0 where that depends on what follows. Nothing follows in
// the last cluster if `ended`.
std::size_t FirstPiece(std::string_view text, bool ended) {
  if (text.size() <= kLongestPiece) return ended ? text.size() : 0;
  icu::BreakIterator& clusters = ClustersOf(text);
  const auto limit = static_cast<std::int32_t>(CharacterStart(text, kLongestPiece));
  if (clusters.isBoundary(limit)) return limit;
  if (const std::int32_t border = clusters.preceding(limit); border > 0) return border;
  const auto border = static_cast<std::size_t>(clusters.following(limit));
  if (border > kLongestCluster) return CharacterStart(text, kLongestCluster);
  return ended || border < text.size() ? border : 0;
}

// Appends the pieces of one word, or of its beginning, and returns their length.
std::size_t AppendPieces(std::string_view word, bool ended, std::vector<std::string>& words) {
  std::size_t appended = 0;
  while (const std::size_t piece = FirstPiece(word.substr(appended), ended)) {
    words.emplace_back(word.substr(appended, piece));
    appended += piece;
  }
  return appended;
}

// The length of the last cluster if it is visibly unfinished, else 0.
std::size_t UnfinishedCluster(std::string_view text) {
  constexpr std::size_t kRegionalIndicatorBytes = 4;
  const UChar32 last = Last(text);
  const int cluster_break = ClusterBreak(last);
  const bool lone = cluster_break == U_GCB_REGIONAL_INDICATOR;
  const bool open = cluster_break == U_GCB_L || cluster_break == U_GCB_ZWJ ||
                    cluster_break == U_GCB_PREPEND || cluster_break == U_GCB_CR ||
                    u_getIntPropertyValue(last, UCHAR_INDIC_SYLLABIC_CATEGORY) == U_INSC_VIRAMA;
  if (!lone && !open) return 0;
  const auto end = static_cast<std::int32_t>(text.size());
  const std::size_t length = text.size() - ClustersOf(text).preceding(end);
  return lone && length != kRegionalIndicatorBytes ? 0 : length;
}

}  // namespace

void WordSplitter::Push(std::string_view text, std::vector<std::string>& words) {
  growing_.append(text);
  const std::string_view all = growing_;
  std::size_t start = 0;
  std::size_t next_start = all.npos;  // Where the next word starts, if more than white space comes.
  bool white_before = true;
  for (std::size_t position = 0; position < all.size();) {
    const std::size_t here = position;
    const UChar32 character = Next(all, position);
    const bool white = IsWhiteSpace(character);
    if (white && !white_before && !Binds(all.substr(0, here), character)) next_start = here;
    if (next_start != all.npos && (!white || position - next_start > kLongestPiece)) {
      AppendPieces(all.substr(start, next_start - start), true, words);
      start = next_start;
      next_start = all.npos;
    }
    white_before = white;
  }
  start += AppendPieces(all.substr(start, next_start - start), false, words);
  growing_.erase(0, start);
}

void WordSplitter::Release(std::vector<std::string>& words) {
  if (growing_.empty()) return;
  const std::size_t ready = growing_.size() - UnfinishedCluster(growing_);
  AppendPieces(std::string_view(growing_).substr(0, ready), true, words);
  growing_.erase(0, ready);
}

void WordSplitter::Finish(std::vector<std::string>& words) {
  AppendPieces(growing_, true, words);
  growing_.clear();
}

}  // namespace luna
