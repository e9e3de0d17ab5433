#include "server/emotion/normalize.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

namespace luna::emotion {
namespace {

using Face = std::pair<std::u32string_view, std::u32string_view>;

// Longer ones first where one begins another.
constexpr auto kFaces = std::to_array<Face>({
    {U":'(", U":("},     {U":-)", U":)"},   {U":-(", U":("},    {U":-d", U":d"},
    {U":-/", U":/"},     {U":))", U":)"},   {U":((", U":("},    {U":)", U":)"},
    {U":(", U":("},      {U":d", U":d"},    {U":p", U":p"},     {U":/", U":/"},
    {U":o", U":o"},      {U":3", U":3"},    {U"=)", U":)"},     {U"=(", U":("},
    {U";)", U";)"},      {U";-)", U";)"},   {U";_;", U"ㅠㅠ"},  {U"</3", U"</3"},
    {U"<3", U"❤"},       {U"^_^", U"^^"},   {U"^-^", U"^^"},    {U"^^", U"^^"},
    {U"t_t", U"ㅠㅠ"},   {U"t.t", U"ㅠㅠ"}, {U"t^t", U"ㅠㅠ"},  {U"ㅠ_ㅠ", U"ㅠㅠ"},
    {U"ㅜ_ㅜ", U"ㅠㅠ"}, {U"-_-", U"-_-"},  {U"ㅡ_ㅡ", U"-_-"}, {U"ㅡㅡ", U"-_-"},
    {U">_<", U">_<"},    {U">.<", U">_<"},  {U"><", U">_<"},
});

constexpr std::u32string_view kHearts =
    U"♥♡❤💛💚💙💜🧡🩷🩵🩶🖤🤍🤎💕💖💗💓💞💘💝💟❣";

// ICU without its data: nothing that a text can cause.
void CheckIcu(UErrorCode failed) {
  if (U_FAILURE(failed)) throw std::runtime_error(u_errorName(failed));
}

bool IsUnseen(char32_t c) {
  return c == U'\u200d' || (c >= U'\ufe00' && c <= U'\ufe0f') || c == U'♀' || c == U'♂' ||
         u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_EMOJI_MODIFIER) ||
         u_charType(static_cast<UChar32>(c)) == U_NON_SPACING_MARK;
}

// One of ASCII's marks in its place, or two.
std::u32string Plain(char32_t c) {
  switch (c) {
    case U'‼':
      return U"!!";
    case U'⁇':
      return U"??";
    case U'⁈':
    case U'⁉':
      return U"?!";
    case U'❗':
    case U'❕':
      return U"!";
    case U'❓':
    case U'❔':
      return U"?";
    case U'〜':
    case U'∼':
      return U"~";
    default:
      break;
  }
  constexpr char32_t kFullWidth = 0xfee0;  // from ASCII, of which ! to ~ have such forms
  if (c >= U'！' && c <= U'～') c -= kFullWidth;
  return std::u32string(1, c);
}

std::u32string Fold(std::string_view text) {
  UErrorCode failed = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(failed);
  icu::UnicodeString folded =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int>(text.size())));
  folded = nfc->normalize(folded, failed).foldCase();
  folded = nfc->normalize(folded, failed);
  std::u32string result(folded.countChar32(), U'\0');
  folded.toUTF32(reinterpret_cast<UChar32*>(result.data()), static_cast<int>(result.size()),
                 failed);
  CheckIcu(failed);
  std::u32string plain;
  for (const char32_t c : result) {
    if (!IsUnseen(c)) plain += Plain(c);
  }
  return plain;
}

bool IsLaugh(char32_t c) { return c == U'ㅋ' || c == U'ㅎ'; }
bool IsTear(char32_t c) { return c == U'ㅠ' || c == U'ㅜ'; }
bool IsWord(char32_t c) { return u_isalnum(static_cast<UChar32>(c)); }

bool IsEmoji(char32_t c) {
  return c > 0xff && (u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_EXTENDED_PICTOGRAPHIC) ||
                      kHearts.find(c) != kHearts.npos);
}

// Reads one text from left to right.
class Tokens {
 public:
  explicit Tokens(std::u32string text) : text_(std::move(text)) {}

  std::u32string Read() {
    while (at_ < text_.size()) {
      if (!ReadFace() && !ReadRun()) ReadOther();
    }
    return std::move(out_);
  }

 private:
  char32_t Peek(std::size_t i) const { return i < text_.size() ? text_[i] : U' '; }

  void Token(std::u32string_view token) {
    Break();
    out_ += token;
    open_ = false;
  }

  void Break() {
    if (!out_.empty() && out_.back() != U' ') out_ += U' ';
  }

  bool ReadFace() {
    for (const auto& [face, token] : kFaces) {
      if (text_.compare(at_, face.size(), face) != 0) continue;
      // "t_t" and ":d" are no part of a word.
      if (IsWord(face.front()) && at_ > 0 && IsWord(text_[at_ - 1])) continue;
      if (face.back() < 0x80 && IsWord(face.back()) && IsWord(Peek(at_ + face.size()))) continue;
      // "http://"
      if (face == U":/" && Peek(at_ + 2) == U'/') continue;
      Token(token);
      at_ += face.size();
      return true;
    }
    return false;
  }

  template <class Belongs>
  std::size_t CountWhile(Belongs belongs) const {
    std::size_t end = at_;
    while (end < text_.size() && belongs(text_[end])) ++end;
    return end - at_;
  }

  bool ReadRun() {
    const char32_t c = text_[at_];
    if (IsLaugh(c)) {
      const std::size_t count = CountWhile(IsLaugh);
      // ㅎㄷㄷ and the like are words.
      if (count == 1 && IsWord(Peek(at_ + 1))) return false;
      const bool giggles = text_.substr(at_, count).find(U'ㅋ') == std::u32string::npos;
      const std::u32string two = giggles ? U"ㅎㅎ" : U"ㅋㅋ";
      Token(std::u32string_view(two).substr(0, std::min<std::size_t>(count, 2)));
      at_ += count;
      return true;
    }
    if (IsTear(c)) {
      const std::size_t count = CountWhile(IsTear);
      Token(count == 1 ? U"ㅠ" : U"ㅠㅠ");
      at_ += count;
      return true;
    }
    if (c == U'!' || c == U'?') {
      const auto belongs = [](char32_t x) { return x == U'!' || x == U'?'; };
      const std::size_t count = CountWhile(belongs);
      const std::u32string run = text_.substr(at_, count);
      const bool asks = run.find(U'?') != run.npos;
      const bool calls = run.find(U'!') != run.npos;
      Token(asks && calls ? U"?!" : count == 1 ? std::u32string(1, c) : std::u32string(2, c));
      at_ += count;
      return true;
    }
    if (c == U'.' || c == U'…' || c == U'~') {
      const std::size_t count = CountWhile([c](char32_t x) { return x == c; });
      if (c == U'~') {
        Token(U"~");
      } else if (c == U'…' || count > 1) {
        Token(U"..");
      } else {
        Break();
      }
      at_ += count;
      open_ = false;
      return true;
    }
    return false;
  }

  void ReadOther() {
    const char32_t c = text_[at_++];
    if (IsEmoji(c)) {
      const std::u32string token(1, kHearts.find(c) != kHearts.npos ? U'❤' : c);
      if (!out_.ends_with(token)) Token(token);
      return;
    }
    const char32_t letter = c == U'’' ? U'\'' : c;
    const bool inner = letter == U'\'' && open_ && IsWord(Peek(at_));
    if (!IsWord(letter) && !inner) {
      Break();
      open_ = false;
      return;
    }
    if (!open_) Break();
    open_ = true;
    const std::size_t size = out_.size();
    const bool third =
        size > 1 && out_[size - 1] == letter && out_[size - 2] == letter && !u_isdigit(letter);
    if (!third) out_ += letter;
  }

  const std::u32string text_;
  std::size_t at_ = 0;
  std::u32string out_;
  bool open_ = false;  // the last token may grow
};

}  // namespace

std::string Spell(const std::string& normalized) {
  UErrorCode failed = U_ZERO_ERROR;
  const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(failed);
  std::string result;
  nfd->normalize(icu::UnicodeString::fromUTF8(normalized), failed).toUTF8String(result);
  CheckIcu(failed);
  return result;
}

std::string Normalize(std::string_view text) {
  std::u32string tokens = Tokens(Fold(text)).Read();
  if (!tokens.empty() && tokens.back() == U' ') tokens.pop_back();
  std::string result;
  icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(tokens.data()),
                                static_cast<int>(tokens.size()))
      .toUTF8String(result);
  return result;
}

}  // namespace luna::emotion
