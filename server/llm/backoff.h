#pragma once

#include <chrono>

#include "server/config/config.h"

namespace luna::llm {

// How long to wait before retry number `retry`, counted from 0. Doubles with each; a random half of
// it keeps callers that failed together apart. Any thread.
std::chrono::milliseconds Backoff(const config::Retries& options, int retry);

}  // namespace luna::llm
