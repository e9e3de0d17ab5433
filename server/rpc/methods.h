#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "server/base/guard.h"
#include "server/interaction/caller.h"
#include "server/rpc/message_sink.h"

namespace luna::rpc {

using Message = std::unique_ptr<google::protobuf::Message>;

// An RPC as both transports call it: one of the two functions is there. They run on the loop that
// they were made for, are cancelled by the coroutine's cancellation slot, and never throw. What is
// referred to must outlive them.
struct Method {
  // Unary: resumes with the response.
  std::function<boost::asio::awaitable<absl::StatusOr<Message>>(Message request,
                                                                const Caller& caller)>
      call;
  // Server-streaming: resumes once all responses have been put into `sink`.
  std::function<boost::asio::awaitable<absl::Status>(Message request, MessageSink& sink,
                                                     const Caller& caller)>
      stream;

  Message NewRequest() const { return Message(request_prototype->New()); }
  const google::protobuf::Message* request_prototype;
};

// The RPCs that exist, by full name ("luna.v1.InteractionService.Answer"), but for Interact, whose
// events are a stream of their own kind. One table for each event loop; both transports read it, so
// that an RPC is written once.
class Methods {
 public:
  template <class Request, class Response>
  using Function = std::function<boost::asio::awaitable<absl::StatusOr<Response>>(
      Request request, const Caller& caller)>;
  template <class Request>
  using StreamFunction = std::function<boost::asio::awaitable<absl::Status>(
      Request request, MessageSink& sink, const Caller& caller)>;

  template <class Request, class Response>
  void Add(std::string full_name, Function<Request, Response> function) {
    Method& method = methods_[std::move(full_name)];
    method.request_prototype = &Request::default_instance();
    method.call = [function = std::move(function)](Message request, const Caller& caller) {
      return Call<Request, Response>(function, std::move(request), caller);
    };
  }

  template <class Request>
  void AddStream(std::string full_name, StreamFunction<Request> function) {
    Method& method = methods_[std::move(full_name)];
    method.request_prototype = &Request::default_instance();
    method.stream = [function = std::move(function)](Message request, MessageSink& sink,
                                                     const Caller& caller) {
      return Stream<Request>(function, std::move(request), sink, caller);
    };
  }

  // Nothing where there is no such RPC.
  const Method* Find(const std::string& full_name) const {
    const auto found = methods_.find(full_name);
    return found == methods_.end() ? nullptr : &found->second;
  }

 private:
  template <class Request, class Response>
  static boost::asio::awaitable<absl::StatusOr<Message>> Call(
      const Function<Request, Response>& function, Message request, const Caller& caller) {
    absl::StatusOr<Response> response =
        co_await Guard(function(std::move(static_cast<Request&>(*request)), caller));
    if (absl::IsCancelled(response.status()) && !caller.ended.ok()) co_return caller.ended;
    if (!response.ok()) co_return response.status();
    co_return Message(new Response(*std::move(response)));
  }

  template <class Request>
  static boost::asio::awaitable<absl::Status> Stream(const StreamFunction<Request>& function,
                                                     Message request, MessageSink& sink,
                                                     const Caller& caller) {
    absl::Status status =
        co_await Guard(function(std::move(static_cast<Request&>(*request)), sink, caller));
    if (absl::IsCancelled(status) && !caller.ended.ok()) status = caller.ended;
    co_return status;
  }

  std::map<std::string, Method> methods_;
};

}  // namespace luna::rpc
