// What a connection answers in OpenAI's form: POST /v1/chat/completions.
#include <ctime>
#include <memory>
#include <utility>

#include "server/auth/tokens.h"
#include "server/http/chat_request.h"
#include "server/http/chunk_sink.h"
#include "server/http/connection.h"
#include "server/http/openai_json.h"

namespace luna::http {

namespace asio = boost::asio;

asio::awaitable<void> Connection::CompleteChat(const Request& request) {
  if (!HasType(request, "application/json")) return RefuseType("application/json");
  absl::StatusOr<ChatRequest> chat = ReadChatRequest(request.body());
  if (!chat.ok()) return Refuse(chat.status());
  // What programs write into `user` need not be a user_id of luna's.
  if (!caller_.user.empty()) chat->generate.clear_user_id();
  const absl::Status bound = auth::BindUser(caller_.user, chat->generate);
  if (!bound.ok()) return Refuse(bound);
  const auto& service = *v1::GenerateRequest::descriptor()->file()->service(0);
  const auto& method = *service.FindMethodByName(chat->stream ? "GenerateStream" : "Generate");
  const rpc::Method* function = worker_.methods->Find(method.full_name());
  if (function == nullptr) return NotBuilt(method);
  rpc::Message message = function->NewRequest();
  message->ParseFromString(chat->generate.SerializeAsString());
  if (chat->stream) {
    const ChunkSink::Form form{.openai = true, .include_usage = chat->include_usage};
    return StreamChunks(*function, std::move(message), form);
  }
  const auto body = [completion = Completion{caller_.id, std::time(nullptr)}](
                        const google::protobuf::Message& answer) {
    return CompletionJson(completion, static_cast<const v1::GenerateResponse&>(answer));
  };
  return CallUnary(*function, std::move(message), body);
}

}  // namespace luna::http
