#pragma once

#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/interaction.pb.h"
#include "server/cache/response_cache.h"
#include "server/config/config.h"
#include "server/emotion/classifier.h"
#include "server/interaction/admission.h"
#include "server/interaction/caller.h"
#include "server/interaction/event_sink.h"
#include "server/interaction/summarizer.h"
#include "server/llm/targets.h"
#include "server/memory/conversation_memory.h"
#include "server/telemetry/metrics.h"
#include "server/translation/engine.h"

namespace luna {

// The story of a request. One object for each event loop; all of it on the loop's thread.
class Interaction {
 public:
  static constexpr int kMostAnswerBytes = 1 << 20;

  // `emotion` is nullptr where none is told, `memory` where nothing is remembered, `summarizer`
  // where nothing is summed up, `cache` where no answer is kept. All must outlive this.
  Interaction(const config::Config& config, llm::Targets& targets, EmotionClassifier* emotion,
              const Translators& translators, ConversationMemory* memory, Summarizer* summarizer,
              ResponseCache* cache, Admission& admission, telemetry::Metrics& metrics);

  // Streams the events of one request into `sink`, exactly one `complete` or `error` last. The
  // status agrees with that event. An error without an event: the request was refused before the
  // model was called, or the caller has gone (kCancelled). Cancelled by the coroutine's
  // cancellation slot, which stops the upstream request.
  boost::asio::awaitable<absl::Status> Run(v1::InteractRequest request, EventSink& sink,
                                           const Caller& caller);

  // The same story without the stream.
  boost::asio::awaitable<absl::StatusOr<v1::AnswerResponse>> Answer(v1::AnswerRequest request,
                                                                    const Caller& caller);

 private:
  struct Turn;

  boost::asio::awaitable<absl::Status> Tell(Turn& turn);
  boost::asio::awaitable<absl::Status> Respond(Turn& turn);
  boost::asio::awaitable<absl::Status> Converse(Turn& turn);
  boost::asio::awaitable<absl::Status> RecallAndAsk(Turn& turn, memory::Context& context,
                                                    std::unique_ptr<llm::TokenStream>& tokens);
  boost::asio::awaitable<absl::Status> LookUp(Turn& turn,
                                              std::unique_ptr<llm::TokenStream>& tokens);
  std::unique_ptr<llm::TokenStream> Ask(const Turn& turn, const memory::Context& context);
  boost::asio::awaitable<absl::Status> Keep(const Turn& turn, const memory::Context& context,
                                            const v1::Complete& answer);
  boost::asio::awaitable<absl::StatusOr<bool>> Remember(Turn& turn, const llm::Finish& finish);
  boost::asio::awaitable<absl::Status> SendEmotion(Turn& turn);
  std::string ReadInstead(const Turn& turn) const;
  bool Feeds(const Turn& turn) const;
  boost::asio::awaitable<absl::Status> SendTranslation(Turn& turn);
  boost::asio::awaitable<absl::StatusOr<std::unique_ptr<llm::Finish>>> SendAnswer(
      Turn& turn, llm::TokenStream& tokens);

  const config::Config& config_;
  llm::Targets& targets_;
  EmotionClassifier* const emotion_;
  const Translators& translators_;
  ConversationMemory* const memory_;
  Summarizer* const summarizer_;
  ResponseCache* const cache_;
  Admission& admission_;
  telemetry::Metrics& metrics_;
};

}  // namespace luna
