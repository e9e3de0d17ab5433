#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/load/load.h"

namespace luna::bench {

// gRPC by hand on nghttp2, which costs a fraction of what gRPC's own client does: calls of
// luna.v1.InteractionService/Interact. Of a message only the keys are looked at, which say what
// event it holds.
class GrpcConnection final : public Connection {
 public:
  GrpcConnection(Load& load, int source, std::vector<Stream*> streams);
  ~GrpcConnection() override;

  void Connect() override;
  void Start(Stream& stream, Nanos now) override;
  void Ready(Nanos now, bool closing) override;

  // What nghttp2 reports.
  void OnData(std::int32_t id, std::string_view bytes);
  void OnHeader(std::int32_t id, std::string_view name, std::string_view value);
  void OnClose(std::int32_t id, std::uint32_t error);

 private:
  void Messages(Stream& stream, std::string_view bytes);
  void Message(Stream& stream, std::string_view message);
  void Submit(Stream& stream);
  void Send();

  Load& load_;
  const int source_;
  std::string request_;  // the message with its five bytes in front
  nghttp2_session* session_ = nullptr;
  Nanos now_ = 0;
  std::vector<Stream*> again_;  // have ended and are to make their next request
};

}  // namespace luna::bench
