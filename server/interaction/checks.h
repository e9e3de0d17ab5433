#pragma once

#include <array>
#include <string>

#include <absl/status/status.h>

// What requests have in common. What fails is INVALID_INPUT or INPUT_TOO_LARGE, and names the
// field.
namespace luna {

inline constexpr int kMostInputBytes = 16 << 10;
inline constexpr int kMostIdBytes = 128;
// Of messages to a person; the first is meant where a request names none.
inline constexpr std::array<const char*, 2> kLanguages{"ko", "en"};

// What every RPC refuses: an unknown language of messages, and a text, named by its field, that is
// blank or over kMostInputBytes.
absl::Status CheckLanguage(const std::string& language);
absl::Status CheckText(const std::string& language, const std::string& field,
                       const std::string& text);
// Empty, or white space of ASCII alone.
bool IsBlank(const std::string& text);
// A user's or a session's, at most kMostIdBytes.
absl::Status CheckId(const std::string& language, const std::string& field, const std::string& id);

// The user or session that a request names: `default` where it names none.
inline std::string OrDefault(const std::string& id) { return id.empty() ? "default" : id; }

}  // namespace luna
