#pragma once

#include <absl/status/status.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/interaction.pb.h"

namespace luna {

// Where a request's events go. Loop thread only.
class EventSink {
 public:
  virtual ~EventSink() = default;

  // Resumes once the transport has taken the event, which a slow caller delays. kCancelled once the
  // caller has gone. Events arrive in order.
  virtual boost::asio::awaitable<absl::Status> Emit(v1::InteractResponse event) = 0;
};

}  // namespace luna
