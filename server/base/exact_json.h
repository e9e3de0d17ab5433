#pragma once

#include <string_view>

#include <rapidjson/document.h>

namespace luna {

// Parses strict JSON (RFC 8259) into `document`, without recursion, so that depth costs no stack.
// Numbers are exact, which RapidJSON's are not: it reads some one digit off, and with
// kParseFullPrecisionFlag 0e161 as whatever. To be called without a NUL in `text`, which RapidJSON
// takes for the end.
rapidjson::ParseResult ParseExactly(std::string_view text, rapidjson::Document& document);

}  // namespace luna
