#include "server/llm/choice.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

namespace luna::llm {

std::string SchemaOf(const Choice& choice, SchemaNames names) {
  const bool gemini = names == SchemaNames::kGemini;
  return absl::StrCat(R"({"type":")", gemini ? "OBJECT" : "object", R"(","properties":{")",
                      choice.key, R"(":{"type":")", gemini ? "STRING" : "string", R"(","enum":[")",
                      absl::StrJoin(choice.values, R"(",")"), R"("]},")", choice.number_key,
                      R"(":{"type":")", gemini ? "NUMBER" : "number", R"("}},"required":[")",
                      choice.key, R"(",")", choice.number_key, R"("])",
                      gemini ? "" : R"(,"additionalProperties":false)", "}");
}

}  // namespace luna::llm
