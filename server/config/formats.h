#pragma once

#include <optional>
#include <string>

#include "server/config/config.h"

// The forms that single values have. What is wrong comes back in words that end an error line
// (`expected ..., got "..."`); empty: nothing is wrong.
namespace luna::config {

std::string AnyText(const std::string& text);
std::string NotEmpty(const std::string& text);

// http:// or https://, a host, perhaps a port and a path. No user name and no query: they hold
// secrets, and where they stand the value is not shown.
std::string NotUrl(const std::string& text);
std::string NotUrlOrEmpty(const std::string& text);

std::string WithoutTrailingSlashes(std::string url);

// scheme://host[:port] as browsers send it, or "*".
std::string NotOrigin(const std::string& text);

// A host, perhaps with a port, as it stands in a Host header.
std::string NotHost(const std::string& text);

// The name of an environment variable: capitals, digits and `_`. The value is never shown, since
// what stands there by mistake is a key.
std::string NotVariable(const std::string& text);
std::string NotVariableOrEmpty(const std::string& text);

// A name for a target: at most 64 bytes without white space and quotes.
std::string NotTargetName(const std::string& text);

// A model's id at Gemini, which becomes a part of the URL's path.
std::string NotGeminiModel(const std::string& text);

// "127.0.0.1:8000", "[::1]:8000", "localhost:8000"; the port from 0 to 65535.
std::optional<Listen> ParseListen(const std::string& text);
std::string NotListen(const std::string& text);

// "127.0.0.1:8000" or "[::1]:8000", as ParseListen reads it.
std::string ToString(const Listen& listen);

// Whether only this machine can reach it.
bool IsLoopback(const Listen& listen);

// Whom a token may stand for: 1 to 128 bytes of UTF-8 without white space and control characters,
// or "*".
std::string NotUserId(const std::string& text);

// A file's content. The message of an error is only what is wrong ("no such file"), in one line.
absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace luna::config
