#pragma once

#include <absl/status/status.h>
#include <boost/asio/awaitable.hpp>
#include <google/protobuf/message.h>

namespace luna::rpc {

// Where the responses of a server-streaming RPC go. Loop thread only.
class MessageSink {
 public:
  virtual ~MessageSink() = default;

  // Takes a response. Those that are put without a wait between them may leave together.
  virtual void Put(const google::protobuf::Message& message) = 0;

  // Resumes once there is room for more, which a slow caller delays. kCancelled once the caller has
  // gone. To be awaited after every few responses.
  virtual boost::asio::awaitable<absl::Status> Room() = 0;
};

}  // namespace luna::rpc
