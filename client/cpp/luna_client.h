#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>
#include <grpcpp/support/sync_stream.h>

#include "luna/v1/interaction.grpc.pb.h"

namespace luna::client {

// What ends a call before its answer does.
struct CallLimits {
  // Requested from any thread, it cancels the call, and with it what the server does for it.
  std::stop_token stop{};
  // From the start of the call to its end, after which it is DEADLINE_EXCEEDED; 0: as long as it
  // takes.
  std::chrono::milliseconds timeout{0};
};

// A blocking client of luna over gRPC. One client serves any number of threads. Its connection
// carries 100 calls at once; more of them wait for their turn, so a busy program has several
// clients.
class Client {
 public:
  // `address` as gRPC takes it, such as "127.0.0.1:50051". In clear text, past any proxy. Connects
  // with the first call. `token` is sent with every call as "authorization: Bearer TOKEN",
  // printable ASCII; empty: none is.
  explicit Client(const std::string& address, std::string token = "");

  // Whether calls say who makes them.
  bool has_token() const { return !token_.empty(); }

  // Asks, and gives each event to `on_event` in the calling thread as it comes; returns once the
  // stream has ended. When `on_event` returns false, which is final, the call is cancelled.
  //
  // OK after a `complete` event. Else the status of what failed: after an `error` event that event
  // says the same; CANCELLED if this side ended it.
  grpc::Status Interact(const v1::InteractRequest& request,
                        const std::function<bool(const v1::InteractResponse&)>& on_event,
                        const CallLimits& limits = {});

  // Any other RPC that has one response, by its method, such as `&v1::MemoryService::Stub::Clear`.
  template <class Stub, class Request, class Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response& response, const CallLimits& limits = {}) {
    const Context context(token_, limits);
    return (Stub(channel_).*method)(context.get(), request, &response);
  }

  // Any that streams its responses; as Interact.
  template <class Stub, class Request, class Response>
  grpc::Status Stream(std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(
                          grpc::ClientContext*, const Request&),
                      const Request& request,
                      const std::function<bool(const Response&)>& on_response,
                      const CallLimits& limits = {}) {
    Stub stub(channel_);
    const Context context(token_, limits);
    const std::unique_ptr<grpc::ClientReader<Response>> reader =
        (stub.*method)(context.get(), request);
    Response response;
    bool wanted = true;
    while (reader->Read(&response)) {
      if (!wanted || on_response(response)) continue;
      wanted = false;
      context.get()->TryCancel();
    }
    return reader->Finish();
  }

 private:
  // A call's context, cancelled once it is to stop.
  class Context {
   public:
    Context(const std::string& token, const CallLimits& limits);
    grpc::ClientContext* get() const { return context_.get(); }

   private:
    std::unique_ptr<grpc::ClientContext> context_;
    std::stop_callback<std::function<void()>> cancel_;
  };

  const std::string token_;
  const std::shared_ptr<grpc::Channel> channel_;
};

// The code of the contract that a failed status carries, such as "INVALID_INPUT"; empty where the
// status is not luna's own but gRPC's, as when no server was reached.
std::string CodeOf(const grpc::Status& status);

}  // namespace luna::client
