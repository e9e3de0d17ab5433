#pragma once

#include "server/http/body_writer.h"
#include "server/rpc/message_sink.h"

namespace luna::http {

// Writes an RPC's responses to a socket as JSON, a line each
// (https://github.com/ndjson/ndjson-spec).
class JsonLines final : public BodyWriter, public rpc::MessageSink {
 public:
  JsonLines(boost::asio::ip::tcp::socket& socket, Options options);

  void Put(const google::protobuf::Message& message) override;
  boost::asio::awaitable<absl::Status> Room() override { return WaitForRoom(); }
};

}  // namespace luna::http
