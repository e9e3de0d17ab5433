#include "server/http/chat_request.h"

#include <string>
#include <string_view>

#include "tests/fuzz/json_check.h"

// An input is a body of OpenAI's POST /v1/chat/completions.
namespace luna::fuzz {
namespace {

void Run(std::string_view input) {
  const std::string body(input);
  const absl::StatusOr<http::ChatRequest> chat = http::ReadChatRequest(body);
  if (!chat.ok()) return CheckRefused(chat.status(), "INVALID_INPUT");
  Check(IsStrictJsonObject(body), "only strict JSON is read", body);
  Check(chat->generate.messages_size() > 0, "what is read has a message");
  Check(chat->generate.language() == "en", "errors are in English, as programs expect them");
  CheckRead(chat->generate);
}

}  // namespace
}  // namespace luna::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  luna::fuzz::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
