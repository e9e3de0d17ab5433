#pragma once

#include <absl/status/statusor.h>

#include "luna/v1/generation.pb.h"
#include "server/llm/model.h"

namespace luna::rpc {

// What a request of GenerationService asks a model, as the proto describes it. INVALID_INPUT names
// the field.
absl::StatusOr<llm::Prompt> PromptOf(const v1::GenerateRequest& request, bool stream);

}  // namespace luna::rpc
