#include "server/interaction/checks.h"

#include <algorithm>

#include "server/base/error.h"
#include "server/interaction/messages.h"

namespace luna {

absl::Status CheckLanguage(const std::string& language) {
  if (language.empty()) return absl::OkStatus();
  if (std::find(kLanguages.begin(), kLanguages.end(), language) != kLanguages.end()) {
    return absl::OkStatus();
  }
  return MakeError(ErrorCode::kInvalidInput, messages::UnknownLanguage(language));
}

bool IsBlank(const std::string& text) { return text.find_first_not_of(" \t\r\n\f\v") == text.npos; }

absl::Status CheckText(const std::string& language, const std::string& field,
                       const std::string& text) {
  if (IsBlank(text)) {
    return MakeError(ErrorCode::kInvalidInput, messages::Empty(language, field));
  }
  if (text.size() > kMostInputBytes) {
    return MakeError(ErrorCode::kInputTooLarge,
                     messages::TooLong(language, field, kMostInputBytes));
  }
  return absl::OkStatus();
}

absl::Status CheckId(const std::string& language, const std::string& field, const std::string& id) {
  if (id.size() <= kMostIdBytes) return absl::OkStatus();
  return MakeError(ErrorCode::kInvalidInput, messages::TooLong(language, field, kMostIdBytes));
}

}  // namespace luna
