#pragma once

#include <string>

#include "server/config/config.h"
#include "server/llm/model.h"
#include "server/memory/turns.h"

namespace luna {

// What the model is asked: who it is, what was said before, and what the person says now. A summary
// of what came before stands behind the system prompt, in `memory.summary_language`.
llm::Prompt MakePrompt(const config::Config& config, const memory::Context& context,
                       const std::string& input, bool stream);

}  // namespace luna
