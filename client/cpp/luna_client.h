#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include <grpcpp/support/status.h>

#include "luna/v1/interaction.grpc.pb.h"

namespace luna::client {

// A blocking client of luna over gRPC. One client serves any number of threads.
class Client {
 public:
  // `address` as gRPC takes it, such as "127.0.0.1:50051". In clear text, past any proxy. Connects
  // with the first call. `token` is sent with every call as "authorization: Bearer TOKEN",
  // printable ASCII; empty: none is.
  explicit Client(const std::string& address, std::string token = "");

  // Asks, and gives each event to `on_event` in the calling thread as it comes; returns once the
  // stream has ended. The call is cancelled, and with it what the server does for it, when
  // `on_event` returns false, which is final, or when `stop` is requested, from any thread.
  //
  // OK after a `complete` event. Else the status of what failed: after an `error` event that event
  // says the same; CANCELLED if this side ended it.
  grpc::Status Interact(const v1::InteractRequest& request,
                        const std::function<bool(const v1::InteractResponse&)>& on_event,
                        std::stop_token stop = {});

 private:
  const std::string token_;
  std::unique_ptr<v1::InteractionService::Stub> stub_;
};

// The code of the contract that a failed status carries, such as "INVALID_INPUT"; empty where the
// status is not luna's own but gRPC's, as when no server was reached.
std::string CodeOf(const grpc::Status& status);

}  // namespace luna::client
