#include "server/interaction/prompt.h"

#include <utility>

#include <absl/strings/str_cat.h>

namespace luna {

llm::Prompt MakePrompt(const config::Config& config, const memory::Context& context,
                       const std::string& input, bool stream) {
  llm::Prompt prompt;
  prompt.system = config.system_prompt;
  prompt.stream = stream;
  if (!context.summary.empty()) {
    const bool korean = config.memory.summary_language == "korean";
    absl::StrAppend(&prompt.system, prompt.system.empty() ? "" : "\n\n",
                    korean ? "지금까지의 대화 요약:\n" : "Summary of the conversation so far:\n",
                    context.summary);
  }
  for (const memory::Told& turn : context.turns) {
    const bool translated = config.translation.feeds_model && !turn.translation.empty();
    prompt.messages.push_back(
        {llm::Message::Role::kUser, translated ? turn.translation : turn.input});
    prompt.messages.push_back({llm::Message::Role::kModel, turn.answer});
  }
  prompt.messages.push_back({llm::Message::Role::kUser, input});
  return prompt;
}

bool DropOlderHalf(memory::Context& context) {
  if (context.turns.empty()) return !std::exchange(context.summary, "").empty();
  context.turns.erase(context.turns.begin(),
                      context.turns.begin() + (context.turns.size() + 1) / 2);
  return true;
}

}  // namespace luna
