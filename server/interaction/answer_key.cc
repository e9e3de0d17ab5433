#include "server/interaction/answer_key.h"

#include <string_view>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include "server/base/sha256.h"
#include "server/base/utf8.h"

namespace luna {
namespace {

// Each part with its length, so that no two lists of parts are the same text.
class Parts {
 public:
  void Add(std::string_view part) {
    absl::StrAppend(&text_, part.size(), ":");
    text_ += part;
  }
  void AddNumber(double number) { Add(absl::StrFormat("%.17g", number)); }

  std::string Hash() const { return Sha256(text_); }

 private:
  std::string text_;
};

void AddTarget(const config::Target& target, const llm::Prompt& prompt, Parts& parts) {
  parts.Add(target.name);
  parts.AddNumber(static_cast<int>(target.api));
  parts.Add(target.url);
  parts.Add(llm::ModelOf(target, prompt));
  parts.AddNumber(prompt.temperature.value_or(target.temperature));
  parts.AddNumber(prompt.top_p.value_or(target.top_p));
  parts.AddNumber(prompt.max_tokens.value_or(target.max_tokens));
  parts.Add(prompt.seed ? absl::StrCat(*prompt.seed) : "");
  parts.AddNumber(static_cast<double>(prompt.stop.size()));
  for (const std::string& stop : prompt.stop) parts.Add(stop);
  parts.Add(target.thinking_budget ? absl::StrCat(*target.thinking_budget) : "");
  parts.Add(target.thinking_level.value_or(""));
  parts.AddNumber(static_cast<double>(target.safety_settings.size()));
  for (const config::SafetySetting& setting : target.safety_settings) {
    parts.Add(setting.category);
    parts.Add(setting.threshold);
  }
}

}  // namespace

std::string AnswerKey(const std::string& user, const config::Target& target,
                      const llm::Prompt& prompt, TextInKey text) {
  Parts parts;
  parts.Add(user);
  parts.AddNumber(static_cast<int>(text));
  AddTarget(target, prompt, parts);
  parts.Add(prompt.system);
  for (const llm::Message& message : prompt.messages) {
    const bool normalized = text != TextInKey::kAsItIs && &message == &prompt.messages.back();
    parts.AddNumber(static_cast<int>(message.role));
    parts.Add(normalized ? utf8::Normalized(message.text) : message.text);
  }
  return parts.Hash();
}

}  // namespace luna
