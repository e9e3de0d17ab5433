#pragma once

#include "server/auth/tokens.h"
#include "server/emotion/classifier.h"
#include "server/interaction/interaction.h"
#include "server/net/event_loop.h"
#include "server/rpc/generation.h"
#include "server/rpc/methods.h"
#include "server/translation/translator.h"

namespace luna::rpc {

// What a transport needs to serve requests on one event loop. The transports share the workers out
// among their connections and calls in turn.
struct Worker {
  net::EventLoop* loop;
  Interaction* interaction;
  const Methods* methods;
  const Admission* admission;
  telemetry::Metrics* metrics;
  const auth::Tokens* tokens = nullptr;  // nullptr: no caller needs one
};

// The RPCs of luna.v1: a row for each. `emotion` and `translator`, who translates what nobody is to
// answer, are nullptr where there is no engine. All must outlive the table.
Methods LunaMethods(Interaction& interaction, Generation& generation, EmotionClassifier* emotion,
                    Translator* translator, ConversationMemory& memory, Summarizer& summarizer,
                    ResponseCache& cache, Admission& admission, telemetry::Metrics& metrics);

}  // namespace luna::rpc
