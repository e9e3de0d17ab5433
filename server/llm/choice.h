#pragma once

#include <string>

#include "server/llm/model.h"

namespace luna::llm {

// How an API writes the types: "object", as JSON Schema does, or "OBJECT".
enum class SchemaNames { kJsonSchema, kGemini };

// The schema of an answer's object, as JSON.
// https://json-schema.org, https://ai.google.dev/api/caching#Schema
std::string SchemaOf(const Choice& choice, SchemaNames names);

}  // namespace luna::llm
