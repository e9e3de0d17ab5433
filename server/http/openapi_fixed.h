#pragma once

#include <vector>

namespace luna::http {

// A part of the OpenAPI document that no descriptor tells of: its name and its JSON.
struct FixedPart {
  const char* name;
  const char* json;
};

// The paths that are no RPC. Those with `"security":[]` need no token.
const std::vector<FixedPart>& FixedPaths();
// The schemas of OpenAI's form: what chat_request.h reads, and openai_json.h writes.
const std::vector<FixedPart>& FixedSchemas();

}  // namespace luna::http
