#pragma once

#include <string>

#include "server/config/config.h"
#include "server/llm/model.h"
#include "server/memory/turns.h"

namespace luna {

// What the model is asked: who it is, what was said before, and what the person says now. A summary
// of what came before stands behind the system prompt, in `memory.summary_language`. With
// `translation.feeds_model` it is told what was said before in translation, where there is one.
llm::Prompt MakePrompt(const config::Config& config, const memory::Context& context,
                       const std::string& input, bool stream);

// Takes the older half of the turns away, then the summary. Whether there was anything to take.
bool DropOlderHalf(memory::Context& context);

}  // namespace luna
