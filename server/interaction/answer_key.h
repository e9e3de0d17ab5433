#pragma once

#include <string>

#include "server/config/config.h"
#include "server/llm/model.h"

namespace luna {

// What an answer is cached under: SHA-256, 32 bytes, over all that it depends on: whose it is, the
// target with its model and sampling, the system prompt, what was said before, and what is asked
// now, which is `prompt`'s last message: as utf8::Normalized has it, so that two ways to type the
// same are one, or as it is, where white space may mean something, or normalised but for a model
// that is to read it in translation. Whether it streams makes no difference.
enum class TextInKey { kNormalized, kAsItIs, kTranslated };
std::string AnswerKey(const std::string& user, const config::Target& target,
                      const llm::Prompt& prompt, TextInKey text = TextInKey::kNormalized);

}  // namespace luna
