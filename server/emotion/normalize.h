#pragma once

#include <string>
#include <string_view>

namespace luna::emotion {

// Writes a text as tokens with a space between, for training and for serving alike:
//  - NFC, case folded, full-width forms as ASCII, without what says no more (variation selectors,
//    joiners, an emoji's skin and gender);
//  - laughter and tears stand alone and in one length: ㅋㅋㅋㅋ and ㅋㅎㅋㅎ are ㅋㅋ,
//    ㅜㅠㅜ is ㅠㅠ, ㅎㅎㅎ is ㅎㅎ; one alone stays one. The same for !!!, ???, ..., ~~~, and for
//    what is the same in one character: ‼ ❗ ❓ 〜;
//  - faces in ASCII become one token each: :), :(, ^^, t_t, -_-, <3, ...;
//  - an emoji is a token, once however often it is repeated; hearts of any colour are ❤;
//  - a letter or syllable three times or more in a row stands twice;
//  - other punctuation is white space.
// Ill-formed UTF-8 reads as U+FFFD, which is white space. Empty where nothing is left.
std::string Normalize(std::string_view text);

// A normalised text with each Hangul syllable as its letters (NFD): what the model reads, so that
// its pieces of words begin and end within a syllable, as Korean's endings do.
std::string Spell(const std::string& normalized);

}  // namespace luna::emotion
