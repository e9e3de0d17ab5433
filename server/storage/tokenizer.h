#pragma once

#include <functional>
#include <string>
#include <string_view>

struct sqlite3;

namespace luna::storage {

// Cuts a text into what can be searched for, with each token's place in bytes: [begin, end).
//  - Of a run of Hangul, Han or kana: each two neighbours, and the last one alone, so that 날씨 is
//    found in 날씨가, and 밥 as the beginning of a token. `query`: without the last one where there
//    are two or more.
//  - Of anything else: words of letters and digits, and every emoji.
// Tokens are folded: NFC, no case. Ill-formed UTF-8 stands between words.
void Tokenize(std::string_view text, bool query,
              const std::function<void(std::string_view token, int begin, int end)>& take);

// What FTS5 has to match (MATCH) so that every word of `words`, separated by white space, is found
// as the beginning of something. Empty where there is nothing to look for.
std::string MatchExpression(std::string_view words);

// Makes FTS5 know Tokenize as 'luna'. Throws SQLite::Exception.
void RegisterTokenizer(sqlite3* database);

}  // namespace luna::storage
