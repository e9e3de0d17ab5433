#include <absl/strings/str_cat.h>

#include "server/llm/gemini.h"
#include "tests/fuzz/parser_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace luna;
  static const config::Target target{
      .api = config::Target::Api::kGemini, .name = "gemini", .key = fuzz::kKey};
  const auto frame = [](std::string_view text) {
    return absl::StrCat("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":",
                        fuzz::Quoted(text), "}],\"role\":\"model\"},\"index\":0}]}\r\n\r\n");
  };
  fuzz::RunParser(
      {reinterpret_cast<const char*>(data), size}, [] { return llm::GeminiParser(target, true); },
      [] { return llm::GeminiParser(target, false); }, frame,
      "data: {\"candidates\":[{\"finishReason\":\"STOP\",\"index\":0}]}\r\n\r\n");
  return 0;
}
