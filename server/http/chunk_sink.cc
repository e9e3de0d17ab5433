#include "server/http/chunk_sink.h"

#include <utility>

#include <absl/strings/str_cat.h>

#include "server/base/error.h"
#include "server/http/json.h"

namespace luna::http {

ChunkSink::ChunkSink(boost::asio::ip::tcp::socket& socket, Options options, Completion completion,
                     Form form)
    : SseBody(socket, std::move(options)), completion_(std::move(completion)), form_(form) {}

void ChunkSink::Put(const google::protobuf::Message& message) {
  const auto& part = static_cast<const v1::GenerateStreamResponse&>(message);
  Write("data: " + ChunkJson(completion_, part, std::exchange(first_, false), form_.include_usage) +
        "\n\n");
  if (!part.choices(0).has_finish_reason()) return;
  if (form_.include_usage) Write("data: " + UsageChunkJson(completion_, part) + "\n\n");
  if (form_.openai) Write("data: [DONE]\n\n");
}

// The Python original's form of it is a text.
bool ChunkSink::Fail(const absl::Status& error) {
  const v1::Error said = ErrorOf(error);
  std::string text = "{\"error\":";
  AppendString(said.message(), text);
  Write(absl::StrCat("data: ", form_.openai ? OpenAiErrorBody(said) : text + "}", "\n\n"));
  return true;
}

}  // namespace luna::http
