#include "server/http/openapi_limits.h"

#include <map>

#include <absl/strings/str_cat.h>

#include "server/interaction/checks.h"
#include "server/rpc/limits.h"

namespace luna::http {
namespace {

using Text = Limit::Text;

const Limit kId{.most_bytes = kMostIdBytes};
const Limit kSaid{.required = true, .text = Text::kNotBlank, .most_bytes = kMostInputBytes};
const Limit kListed{.least = 1, .most = rpc::kMostInList};

const std::map<std::string, Limit>& Table() {
  static const std::map<std::string, Limit> table{
      {"user_id", kId},
      {"session_id", kId},
      {"language", {.values = {kLanguages.begin(), kLanguages.end()}}},
      {"limit", kListed},
      {"count", kListed},
      {"offset", {.least = 0}},
      {"keyword", {.most_bytes = rpc::kMostKeywordBytes}},
      {"temperature", {.least = 0, .most = rpc::kMostTemperature}},
      {"top_p", {.least = 0, .most = rpc::kMostTopP}},
      {"max_tokens", {.least = 1}},
      {"stop", {.text = Text::kNotEmpty, .most_items = rpc::kMostStops}},
      {"AnalyzeRequest.text", {.text = Text::kNotBlank, .most_bytes = kMostInputBytes}},
      {"AnalyzeRequest.texts",
       {.text = Text::kNotBlank, .most_bytes = kMostInputBytes, .most_items = rpc::kMostTexts}},
      {"AnswerRequest.input", kSaid},
      {"ChatMessage.role",
       {.required = true, .values = {"system", "developer", "user", "assistant"}}},
      {"ClearRequest.confirm", {.required = true, .only_true = true}},
      {"GenerateRequest.model", kId},
      {"GenerateStreamRequest.model", kId},
      {"InteractRequest.input", kSaid},
      {"TranslateRequest.text", kSaid},
      {"TranslateRequest.to_lang", {.required = true}},
  };
  return table;
}

}  // namespace

const Limit* FindLimit(const google::protobuf::FieldDescriptor& field) {
  const std::string message = field.containing_type()->name();
  auto found = Table().find(absl::StrCat(message, ".", field.name()));
  if (found == Table().end()) found = Table().find(field.name());
  return found == Table().end() ? nullptr : &found->second;
}

std::vector<std::string> LimitedFields() {
  std::vector<std::string> fields;
  for (const auto& [field, limit] : Table()) fields.push_back(field);
  return fields;
}

}  // namespace luna::http
