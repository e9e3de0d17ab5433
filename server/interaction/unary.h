#pragma once

#include "luna/v1/interaction.pb.h"
#include "server/interaction/event_sink.h"

// Answer in terms of Interact.
namespace luna {

v1::InteractRequest AsInteractRequest(v1::AnswerRequest request);

// Keeps what Answer gives back.
class AnswerSink final : public EventSink {
 public:
  void Put(const v1::InteractResponse& event) override;
  boost::asio::awaitable<absl::Status> Room() override { co_return absl::OkStatus(); }

  v1::AnswerResponse answer;
};

}  // namespace luna
