#pragma once

#include <string>

#include "server/http/openai_json.h"
#include "server/http/sse_body.h"
#include "server/rpc/message_sink.h"

namespace luna::http {

// Writes GenerateStreamResponses to a socket as OpenAI's chunks, one frame each.
class ChunkSink final : public SseBody, public rpc::MessageSink {
 public:
  // What POST /v1/chat/completions adds to POST /generate/stream.
  struct Form {
    bool openai = false;         // the last chunk is followed by [DONE], and a failure is an object
    bool include_usage = false;  // a chunk without choices tells it
  };

  ChunkSink(boost::asio::ip::tcp::socket& socket, Options options, Completion completion,
            Form form);

  void Put(const google::protobuf::Message& message) override;
  boost::asio::awaitable<absl::Status> Room() override { return WaitForRoom(); }
  bool Fail(const absl::Status& error) override;

 private:
  const Completion completion_;
  const Form form_;
  bool first_ = true;
};

}  // namespace luna::http
