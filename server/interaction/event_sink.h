#pragma once

#include <absl/status/status.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/interaction.pb.h"

namespace luna {

// Where a request's events go. Loop thread only.
class EventSink {
 public:
  virtual ~EventSink() = default;

  // Takes an event. Events arrive in order; those that are put without a wait between them may
  // leave together. `complete` and `error` are the last: the transport sees to it that they leave,
  // and nobody waits for room after them, so that nothing can come between.
  virtual void Put(const v1::InteractResponse& event) = 0;

  // Resumes once there is room for more, which a slow caller delays. kCancelled once the caller has
  // gone. To be awaited after every few events.
  virtual boost::asio::awaitable<absl::Status> Room() = 0;

  // Lets what was put leave, for who awaits no room after it; where events leave by themselves it
  // does nothing.
  virtual void Flush() {}

  boost::asio::awaitable<absl::Status> Emit(const v1::InteractResponse& event) {
    Put(event);
    return Room();
  }
};

}  // namespace luna
