#pragma once

#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/generation.pb.h"
#include "server/cache/response_cache.h"
#include "server/config/config.h"
#include "server/interaction/admission.h"
#include "server/interaction/caller.h"
#include "server/llm/model.h"
#include "server/llm/targets.h"
#include "server/rpc/message_sink.h"
#include "server/telemetry/metrics.h"

namespace luna::rpc {

// The RPCs of GenerationService, as the proto describes them: a model is asked without emotion and
// memory, but with the same cache, limits, retries and ends as in Interaction. One object for each
// event loop; all of it on the loop's thread.
class Generation {
 public:
  // All must outlive this.
  Generation(const config::Config& config, llm::Targets& targets, ResponseCache& cache,
             Admission& admission, telemetry::Metrics& metrics);

  boost::asio::awaitable<absl::StatusOr<v1::GenerateResponse>> Generate(v1::GenerateRequest request,
                                                                        const Caller& caller);

  // Puts GenerateStreamResponses into `sink`, the one with a finish reason last. An error comes
  // after those that had arrived before it, without one.
  boost::asio::awaitable<absl::Status> GenerateStream(v1::GenerateStreamRequest request,
                                                      MessageSink& sink, const Caller& caller);

  boost::asio::awaitable<absl::StatusOr<v1::ListModelsResponse>> ListModels(
      v1::ListModelsRequest request) const;

 private:
  struct Work;

  boost::asio::awaitable<absl::Status> Run(Work& work);
  boost::asio::awaitable<absl::Status> LetIn(Work& work);
  boost::asio::awaitable<absl::Status> Respond(Work& work, llm::Prompt prompt);
  boost::asio::awaitable<absl::StatusOr<std::unique_ptr<llm::TokenStream>>> AskCacheOrModel(
      Work& work, llm::Prompt prompt);
  boost::asio::awaitable<absl::Status> Keep(Work& work, v1::Complete answer);
  void PutChunk(Work& work, const std::string& text) const;

  const config::Config& config_;
  llm::Targets& targets_;
  ResponseCache& cache_;
  Admission& admission_;
  telemetry::Metrics& metrics_;
};

}  // namespace luna::rpc
