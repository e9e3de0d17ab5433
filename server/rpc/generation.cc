#include "server/rpc/generation.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/str_join.h>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include "server/base/error.h"
#include "server/base/guard.h"
#include "server/interaction/answer_key.h"
#include "server/interaction/answer_words.h"
#include "server/interaction/checks.h"
#include "server/interaction/kept_answer.h"
#include "server/interaction/messages.h"
#include "server/interaction/progress.h"
#include "server/rpc/generation_prompt.h"

namespace luna::rpc {

namespace asio = boost::asio;
using net::Clock;

namespace {

const char* OpenAiReason(const llm::Finish& finish) {
  return finish.reason == "STOP" ? "stop" : "length";
}

// Keeps what Generate gives back.
class WholeAnswer final : public MessageSink {
 public:
  void Put(const google::protobuf::Message& message) override {
    const auto& part = static_cast<const v1::GenerateStreamResponse&>(message);
    const v1::GenerateChoice& choice = part.choices(0);
    response.mutable_content()->append(choice.delta().content());
    if (!choice.has_finish_reason()) return;
    response.set_finish_reason(choice.finish_reason());
    response.set_model(part.model());
    response.set_target(part.target());
    response.set_cached(part.cached());
    *response.mutable_usage() = part.usage();
  }
  asio::awaitable<absl::Status> Room() override { co_return absl::OkStatus(); }

  v1::GenerateResponse response;
};

}  // namespace

// One request under way.
struct Generation::Work {
  const v1::GenerateRequest request;
  MessageSink& sink;
  const Caller& caller;
  const bool stream;
  Progress progress{};
  v1::GenerateStreamResponse part{};  // is put again and again
  std::string text{};                 // the answer so far
  std::string key{};                  // what is cached under; empty: the cache is left alone

  std::string User() const { return OrDefault(request.user_id()); }
};

Generation::Generation(const config::Config& config, llm::Targets& targets, ResponseCache& cache,
                       Admission& admission, telemetry::Metrics& metrics)
    : config_(config), targets_(targets), cache_(cache), admission_(admission), metrics_(metrics) {}

asio::awaitable<absl::StatusOr<v1::GenerateResponse>> Generation::Generate(
    v1::GenerateRequest request, const Caller& caller) {
  WholeAnswer answer;
  Work work{std::move(request), answer, caller, false};
  const absl::Status status = co_await Run(work);
  if (!status.ok()) co_return status;
  co_return std::move(answer.response);
}

asio::awaitable<absl::Status> Generation::GenerateStream(v1::GenerateStreamRequest request,
                                                         MessageSink& sink, const Caller& caller) {
  v1::GenerateRequest same;
  same.ParseFromString(request.SerializeAsString());
  Work work{std::move(same), sink, caller, true};
  co_return co_await Run(work);
}

asio::awaitable<absl::StatusOr<v1::ListModelsResponse>> Generation::ListModels(
    v1::ListModelsRequest) const {
  v1::ListModelsResponse response;
  response.set_object("list");
  for (const config::Target* target : targets_.All()) {
    v1::Model& model = *response.add_data();
    model.set_id(target->name);
    model.set_object("model");
    model.set_owned_by("luna");
    model.set_model(target->model);
  }
  co_return response;
}

asio::awaitable<absl::Status> Generation::Run(Work& work) {
  absl::Status status = co_await LetIn(work);
  if (absl::IsCancelled(status) && !work.caller.ended.ok()) status = work.caller.ended;
  RecordEnd(work.caller, work.progress, status, metrics_);
  co_return status;
}

// Checks the request before it gets its place.
asio::awaitable<absl::Status> Generation::LetIn(Work& work) {
  const std::string& language = work.request.language();
  absl::StatusOr<llm::Prompt> prompt = PromptOf(work.request, work.stream);
  if (!prompt.ok()) co_return prompt.status();
  work.progress.target = targets_.OfModel(work.request.target());
  if (work.progress.target == nullptr) {
    co_return MakeError(ErrorCode::kUnknownTarget,
                        messages::UnknownTarget(language, work.request.target(),
                                                absl::StrJoin(targets_.Names(), ", ")));
  }
  if (work.stream && !work.progress.target->stream) {
    co_return MakeError(
        ErrorCode::kStreamingDisabled,
        messages::StreamingDisabled(language, work.progress.target->name, "POST /generate"));
  }
  const absl::StatusOr<Admission::Place> place = admission_.Enter();
  if (!place.ok()) co_return place.status();
  work.progress.admitted = true;
  const telemetry::Counted open(metrics_.StreamsOpen(work.caller.transport));
  asio::awaitable<absl::Status> respond = Respond(work, *std::move(prompt));
  co_return co_await Guard(std::move(respond));
}

asio::awaitable<absl::Status> Generation::Respond(Work& work, llm::Prompt prompt) {
  const std::string& language = work.request.language();
  asio::awaitable<absl::StatusOr<std::unique_ptr<llm::TokenStream>>> ask =
      AskCacheOrModel(work, std::move(prompt));
  const absl::StatusOr<std::unique_ptr<llm::TokenStream>> asked = co_await std::move(ask);
  if (!asked.ok()) co_return asked.status();
  llm::TokenStream& tokens = **asked;
  AnswerWords words(work.part.cached() ? KeptAnswer::Chunking(config_) : config_.stream, language,
                    work.text);
  std::unique_ptr<llm::Finish> finish;
  while (!finish) {
    std::vector<std::string> chunks;
    absl::StatusOr<llm::Token> token = co_await tokens.Next(words.due());
    absl::StatusOr<std::unique_ptr<llm::Finish>> step = words.Take(std::move(token), chunks);
    if (!chunks.empty()) {
      const config::Target& answering = *targets_.Config(tokens.target());
      work.part.set_target(answering.name);
      const bool stands_in = &answering != work.progress.target;  // with a model of its own
      const bool named = !work.request.model().empty() && !stands_in;
      work.part.set_model(named ? work.request.model() : answering.model);
    }
    work.progress.bytes = work.text.size();
    for (const std::string& chunk : chunks) PutChunk(work, chunk);
    const absl::Status sent = co_await work.sink.Room();
    if (!sent.ok()) co_return sent;
    if (!step.ok()) {
      co_return AnswerFailed(step.status(), language, *work.progress.target, work.stream);
    }
    finish = *std::move(step);
  }
  v1::Complete answer;
  answer.set_text(work.text);
  answer.set_finish_reason(finish->reason);
  *answer.mutable_usage() = finish->usage;
  answer.set_model(work.part.model());
  answer.set_target(work.part.target());
  asio::awaitable<absl::Status> keep = Keep(work, std::move(answer));
  const absl::Status kept = co_await std::move(keep);
  if (!kept.ok()) co_return kept;

  v1::GenerateChoice& choice = *work.part.mutable_choices(0);
  choice.mutable_delta()->clear_content();
  choice.set_finish_reason(OpenAiReason(*finish));
  *work.part.mutable_usage() = finish->usage;
  work.sink.Put(work.part);
  co_return absl::OkStatus();
}

// Without the cache the answer still comes. Fails only where the caller has gone.
asio::awaitable<absl::StatusOr<std::unique_ptr<llm::TokenStream>>> Generation::AskCacheOrModel(
    Work& work, llm::Prompt prompt) {
  if (!work.request.skip_cache()) {
    work.key = AnswerKey(work.User(), *work.progress.target, prompt, TextInKey::kAsItIs);
    absl::StatusOr<std::optional<v1::Complete>> found =
        co_await Guard(cache_.Get(work.User(), work.key));
    if (absl::IsCancelled(found.status())) co_return found.status();
    if (!found.ok()) {
      RecordMissing(work.caller, "cache", found.status(), metrics_);
      work.key.clear();
    } else if (*found) {
      work.part.set_cached(true);
      co_return std::make_unique<KeptAnswer>(**std::move(found), config_.cache);
    }
  }
  co_return targets_.Generate(*work.progress.target, std::move(prompt));
}

// Keeps an answer that is whole, and of the target that was asked. Fails only where the caller has
// gone.
asio::awaitable<absl::Status> Generation::Keep(Work& work, v1::Complete answer) {
  const bool worth = answer.finish_reason() == "STOP" &&
                     answer.target() == work.progress.target->name && !work.part.cached();
  if (work.key.empty() || !worth) co_return absl::OkStatus();
  const absl::Status kept = co_await Guard(cache_.Put(work.User(), work.key, std::move(answer)));
  if (absl::IsCancelled(kept)) co_return kept;
  if (!kept.ok()) RecordMissing(work.caller, "cache", kept, metrics_);
  co_return absl::OkStatus();
}

void Generation::PutChunk(Work& work, const std::string& text) const {
  if (work.part.choices().empty()) work.part.add_choices();
  work.progress.CountChunk(Clock::now(), metrics_);
  ++work.progress.events;
  work.part.mutable_choices(0)->mutable_delta()->set_content(text);
  work.sink.Put(work.part);
}

}  // namespace luna::rpc
