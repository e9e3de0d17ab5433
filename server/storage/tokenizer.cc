#include "server/storage/tokenizer.h"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <stdexcept>

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

namespace luna::storage {
namespace {

using Take = std::function<void(std::string_view token, int begin, int end)>;

enum class Kind { kNone, kWord, kSyllable, kEmoji };

Kind KindOf(UChar32 c) {
  if (c < 0x80) return u_isalnum(c) ? Kind::kWord : Kind::kNone;
  UErrorCode failed = U_ZERO_ERROR;
  switch (uscript_getScript(c, &failed)) {
    case USCRIPT_HANGUL:
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
      return u_isalpha(c) ? Kind::kSyllable : Kind::kNone;
    default:
      if (u_isalnum(c)) return Kind::kWord;
      return u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC) ? Kind::kEmoji : Kind::kNone;
  }
}

const icu::Normalizer2& Nfc() {
  static const icu::Normalizer2* const nfc = [] {
    UErrorCode failed = U_ZERO_ERROR;
    const icu::Normalizer2* instance = icu::Normalizer2::getNFCInstance(failed);
    if (U_FAILURE(failed)) throw std::runtime_error(u_errorName(failed));
    return instance;
  }();
  return *nfc;
}

// A character with the marks that follow it, folded.
struct Piece {
  std::string text;
  Kind kind = Kind::kNone;
  int begin = 0;
  int end = 0;
};

void Fold(std::string_view text, Piece& piece) {
  piece.text.clear();
  if (text.size() == 1) {
    const auto c = static_cast<unsigned char>(text[0]);
    piece.kind = c < 0x80 ? KindOf(c) : Kind::kNone;
    piece.text.push_back(static_cast<char>(c < 0x80 ? u_foldCase(c, U_FOLD_CASE_DEFAULT) : c));
    return;
  }
  UErrorCode failed = U_ZERO_ERROR;
  const icu::UnicodeString folded = Nfc()
                                        .normalize(icu::UnicodeString::fromUTF8(icu::StringPiece(
                                                       text.data(), static_cast<int>(text.size()))),
                                                   failed)
                                        .foldCase();
  piece.kind = U_FAILURE(failed) ? Kind::kNone : KindOf(folded.char32At(0));
  folded.toUTF8String(piece.text);
}

// Calls `take` with every piece of the text.
template <class TakePiece>
void Cut(std::string_view text, TakePiece take) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const int length = static_cast<int>(text.size());
  Piece piece;
  int at = 0;
  while (at < length) {
    piece.begin = at;
    UChar32 c = 0;
    U8_NEXT(bytes, at, length, c);
    piece.end = at;
    while (at < length && bytes[at] >= 0x80) {
      U8_NEXT(bytes, at, length, c);
      if (c < 0 || Nfc().hasBoundaryBefore(c)) break;
      piece.end = at;
    }
    at = piece.end;
    Fold(text.substr(piece.begin, piece.end - piece.begin), piece);
    take(piece);
  }
}

// Puts pieces together to tokens.
class Tokens {
 public:
  Tokens(bool query, const Take& take) : query_(query), take_(take) {}

  void Add(const Piece& piece) {
    if (piece.kind != kind_) End();
    kind_ = piece.kind;
    if (kind_ == Kind::kWord) {
      if (token_.empty()) begin_ = piece.begin;
      token_ += piece.text;
      end_ = piece.end;
    } else if (kind_ == Kind::kEmoji) {
      take_(piece.text, piece.begin, piece.end);
    } else if (kind_ == Kind::kSyllable) {
      if (!token_.empty()) take_(token_ + piece.text, begin_, piece.end);
      paired_ = !token_.empty();
      token_ = piece.text;
      begin_ = piece.begin;
      end_ = piece.end;
    }
  }

  void End() {
    const bool within_the_pair = kind_ == Kind::kSyllable && query_ && paired_;
    if (!token_.empty() && !within_the_pair) take_(token_, begin_, end_);
    token_.clear();
    paired_ = false;
  }

 private:
  const bool query_;
  const Take& take_;
  Kind kind_ = Kind::kNone;
  std::string token_;  // the word so far, or the last syllable
  bool paired_ = false;
  int begin_ = 0;
  int end_ = 0;
};

int TokenizeForFts5(Fts5Tokenizer*, void* context, int flags, const char* text, int length,
                    int (*add)(void*, int, const char*, int, int, int)) {
  int result = SQLITE_OK;
  try {
    Tokenize({text, static_cast<std::size_t>(length)}, (flags & FTS5_TOKENIZE_QUERY) != 0,
             [&](std::string_view token, int begin, int end) {
               if (result != SQLITE_OK) return;
               result = add(context, 0, token.data(), static_cast<int>(token.size()), begin, end);
             });
  } catch (const std::exception&) {
    return SQLITE_NOMEM;
  }
  return result;
}

int Create(void*, const char**, int, Fts5Tokenizer** tokenizer) {
  static int stateless;
  *tokenizer = reinterpret_cast<Fts5Tokenizer*>(&stateless);
  return SQLITE_OK;
}

void Delete(Fts5Tokenizer*) {}

}  // namespace

void Tokenize(std::string_view text, bool query, const Take& take) {
  Tokens tokens(query, take);
  Cut(text, [&](const Piece& piece) { tokens.Add(piece); });
  tokens.End();
}

std::string MatchExpression(std::string_view words) {
  std::string expression;
  std::size_t at = 0;
  while (at < words.size()) {
    const std::size_t end = std::min(words.find_first_of(" \t\r\n", at), words.size());
    const std::string_view word = words.substr(at, end - at);
    at = end + 1;
    bool found = false;
    Tokenize(word, true, [&](std::string_view, int, int) { found = true; });
    if (!found) continue;
    expression += expression.empty() ? "\"" : " AND \"";
    for (const char c : word) {
      if (c == '"') expression += '"';
      if (c != '\0') expression += c;
    }
    expression += "\"*";
  }
  return expression;
}

void RegisterTokenizer(sqlite3* database) {
  // As https://www.sqlite.org/fts5.html#extending_fts5 says.
  fts5_api* api = nullptr;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, "SELECT fts5(?1)", -1, &statement, nullptr) == SQLITE_OK) {
    sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", nullptr);
    sqlite3_step(statement);
  }
  sqlite3_finalize(statement);
  if (api == nullptr) throw SQLite::Exception("this SQLite has no FTS5", SQLITE_ERROR);
  fts5_tokenizer tokenizer{Create, Delete, TokenizeForFts5};
  const int result = api->xCreateTokenizer(api, "luna", nullptr, &tokenizer, nullptr);
  if (result != SQLITE_OK) throw SQLite::Exception(database, result);
}

}  // namespace luna::storage
