#pragma once

#include <string>

#include "server/config/config.h"
#include "server/llm/targets.h"
#include "server/translation/translator.h"

namespace luna::translation {

// Asks a target, once: without retries and without `llm.fallback`. The text is data to it, whatever
// the text says; what it answers is checked (CheckTranslation).
class LlmTranslator final : public Translator {
 public:
  // `target` is one of `targets`. All must outlive this.
  LlmTranslator(const config::Translation& config, const config::Target& target,
                llm::Targets& targets)
      : config_(config), target_(target), targets_(targets) {}

  boost::asio::awaitable<absl::StatusOr<std::string>> Translate(Passage passage) override;

 private:
  const config::Translation& config_;
  const config::Target& target_;
  llm::Targets& targets_;
};

// What the model is asked.
llm::Prompt TranslationPrompt(const Passage& passage);

// The translation that `answer` is, without white space around it. UPSTREAM_PROTOCOL where it
// cannot be one: nothing, Hangul where the language is not Korean, or over four times the text, in
// bytes and in characters (of which languages need more or fewer for the same).
absl::StatusOr<std::string> CheckTranslation(const config::Target& target, const Passage& passage,
                                             std::string answer);

}  // namespace luna::translation
