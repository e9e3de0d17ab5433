#include <absl/strings/str_cat.h>

#include "server/llm/openai.h"
#include "tests/fuzz/parser_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace luna;
  static const config::Target target{
      .api = config::Target::Api::kOpenAi, .name = "main", .key = fuzz::kKey};
  const auto frame = [](std::string_view text) {
    return absl::StrCat("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":",
                        fuzz::Quoted(text), "},\"finish_reason\":null}]}\n\n");
  };
  fuzz::RunParser(
      {reinterpret_cast<const char*>(data), size}, [] { return llm::OpenAiParser(target, true); },
      [] { return llm::OpenAiParser(target, false); }, frame,
      "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
      "data: [DONE]\n\n");
  return 0;
}
