#include <functional>
#include <string>
#include <utility>

#include <spdlog/spdlog.h>

#include "server/base/error.h"
#include "server/rpc/analyze.h"
#include "server/rpc/cache.h"
#include "server/rpc/memory.h"
#include "server/rpc/translate.h"
#include "server/rpc/worker.h"

namespace luna::rpc {

namespace {

const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <class Response>
const absl::Status& StatusOf(const absl::StatusOr<Response>& response) {
  return response.status();
}

// Lets the caller in, does the work, and counts and logs it, as Interaction and Generation do by
// themselves.
template <class Result>  // absl::Status or absl::StatusOr
boost::asio::awaitable<Result> Admit(Admission& admission, telemetry::Metrics& metrics,
                                     const Caller& caller, boost::asio::awaitable<Result> work) {
  const absl::StatusOr<Admission::Place> place = admission.Enter();
  Result response = absl::InternalError("");
  if (!place.ok()) {
    response = place.status();
  } else {
    const telemetry::Counted open(metrics.StreamsOpen(caller.transport));
    response = co_await Guard(std::move(work));
  }
  if (absl::IsCancelled(StatusOf(response)) && !caller.ended.ok()) response = caller.ended;
  const std::string code = response.ok() ? "OK" : ErrorOf(StatusOf(response)).code();
  const std::string stage = response.ok() ? "" : "request";
  metrics.RequestEnded(caller.transport, code, stage);
  spdlog::info("request id={} transport={} code={} stage={}", caller.id, caller.transport, code,
               stage);
  co_return response;
}

void AddGeneration(Generation& generation, Admission& admission, telemetry::Metrics& metrics,
                   Methods& methods) {
  methods.Add<v1::GenerateRequest, v1::GenerateResponse>(
      "luna.v1.GenerationService.Generate", [&](v1::GenerateRequest request, const Caller& caller) {
        return generation.Generate(std::move(request), caller);
      });
  methods.AddStream<v1::GenerateStreamRequest>(
      "luna.v1.GenerationService.GenerateStream",
      [&](v1::GenerateStreamRequest request, MessageSink& sink, const Caller& caller) {
        return generation.GenerateStream(std::move(request), sink, caller);
      });
  methods.Add<v1::ListModelsRequest, v1::ListModelsResponse>(
      "luna.v1.GenerationService.ListModels",
      [&](v1::ListModelsRequest request, const Caller& caller) {
        return Admit(admission, metrics, caller, generation.ListModels(std::move(request)));
      });
}

}  // namespace

Methods LunaMethods(Interaction& interaction, Generation& generation, EmotionClassifier* emotion,
                    Translator* translator, ConversationMemory& memory, Summarizer& summarizer,
                    ResponseCache& cache, Admission& admission, telemetry::Metrics& metrics) {
  Methods methods;
  methods.Add<v1::AnswerRequest, v1::AnswerResponse>(
      "luna.v1.InteractionService.Answer", [&](v1::AnswerRequest request, const Caller& caller) {
        return interaction.Answer(std::move(request), caller);
      });
  methods.Add<v1::AnalyzeRequest, v1::AnalyzeResponse>(
      "luna.v1.EmotionService.Analyze",
      [&, emotion](v1::AnalyzeRequest request, const Caller& caller) {
        return Admit(admission, metrics, caller, Analyze(std::move(request), emotion));
      });
  AddGeneration(generation, admission, metrics, methods);
  methods.Add<v1::TranslateRequest, v1::TranslateResponse>(
      "luna.v1.TranslationService.Translate",
      [&, translator](v1::TranslateRequest request, const Caller& caller) {
        return Admit(admission, metrics, caller, Translate(std::move(request), translator));
      });
  const auto of_memory = [&]<class Request, class Response>(
                             const std::string& name,
                             Reply<Response> (*function)(Request, ConversationMemory&)) {
    methods.Add<Request, Response>(
        "luna.v1.MemoryService." + name, [&, function](Request request, const Caller& caller) {
          return Admit(admission, metrics, caller, function(std::move(request), memory));
        });
  };
  const auto of_cache = [&]<class Request, class Response>(
                            const std::string& name,
                            Reply<Response> (*function)(Request, ResponseCache&)) {
    methods.Add<Request, Response>(
        "luna.v1.CacheService." + name, [&, function](Request request, const Caller& caller) {
          return Admit(admission, metrics, caller, function(std::move(request), cache));
        });
  };
  of_memory("ListRecent", ListRecent);
  of_memory("ListConversations", ListConversations);
  of_memory("GetConversation", GetConversation);
  of_memory("SearchConversations", SearchConversations);
  of_memory("DeleteConversation", DeleteConversation);
  of_memory("ListSessions", ListSessions);
  of_memory("ListSummaries", ListSummaries);
  of_memory("GetSummary", GetSummary);
  of_memory("GetStats", GetStats);
  of_memory("Clear", Clear);
  of_memory("Import", Import);
  methods.AddStream<v1::ExportRequest>(
      "luna.v1.MemoryService.Export",
      [&](v1::ExportRequest request, MessageSink& sink, const Caller& caller) {
        return Admit(admission, metrics, caller, Export(std::move(request), memory, sink));
      });
  methods.Add<v1::SummarizeRequest, v1::SummarizeResponse>(
      "luna.v1.MemoryService.Summarize", [&](v1::SummarizeRequest request, const Caller& caller) {
        return Admit(admission, metrics, caller, Summarize(std::move(request), summarizer));
      });
  of_cache("GetCacheStats", GetCacheStats);
  of_cache("CleanUpCache", CleanUpCache);
  of_cache("ClearCache", ClearCache);
  return methods;
}

}  // namespace luna::rpc
