#pragma once

#include <absl/status/status.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/interaction.pb.h"
#include "server/interaction/event_sink.h"

namespace luna {

// Keeps what Interaction::Answer gives back.
class AnswerSink final : public EventSink {
 public:
  void Put(const v1::InteractResponse& event) override;
  boost::asio::awaitable<absl::Status> Room() override { co_return absl::OkStatus(); }

  v1::AnswerResponse answer;
};

v1::InteractRequest AsInteractRequest(v1::AnswerRequest request);

}  // namespace luna
