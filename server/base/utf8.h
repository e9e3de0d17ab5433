#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
namespace luna::utf8 {

bool IsValid(std::string_view text);

// Replaces each maximal ill-formed part by U+FFFD (Unicode 15, section 3.9, "U+FFFD substitution of
// maximal subparts") and returns how many bytes that were; well-formed text is left untouched,
// uncopied.
std::size_t Repair(std::string& text);

// Cuts well-formed `text` to at most `bytes` bytes, between code points.
void Truncate(std::string& text, std::size_t bytes);

// The length of the longest prefix of `text` that does not end in an unfinished but so far
// well-formed code point: what may leave before more has come. The rest is at most 3 bytes.
std::size_t CompletePrefix(std::string_view text);

// Well-formed `text`, or, where its letters are not composed (NFC), what `composed` then holds.
std::string_view Compose(std::string_view text, std::string& composed);

// Well-formed `text` composed, without white space around it, and with one space for each run of
// white space within.
std::string Normalized(std::string_view text);

}  // namespace luna::utf8
