#include "server/interaction/interaction.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <spdlog/spdlog.h>

#include "server/base/error.h"
#include "server/base/guard.h"
#include "server/interaction/answer_key.h"
#include "server/interaction/answer_sink.h"
#include "server/interaction/answer_words.h"
#include "server/interaction/checks.h"
#include "server/interaction/input_translation.h"
#include "server/interaction/kept_answer.h"
#include "server/interaction/messages.h"
#include "server/interaction/prompt.h"
#include "server/interaction/turn.h"

namespace luna {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using net::Clock;

namespace {

bool IsTooLarge(const absl::Status& status) {
  return !status.ok() && ErrorOf(status).code() == Name(ErrorCode::kInputTooLarge);
}

absl::Status Check(const v1::InteractRequest& request) {
  const std::string& language = request.language();
  absl::Status status = CheckLanguage(language);
  if (status.ok()) status = CheckText(language, "input", request.input());
  if (status.ok()) status = CheckId(language, "user_id", request.user_id());
  if (status.ok()) status = CheckId(language, "session_id", request.session_id());
  return status;
}

}  // namespace

Interaction::Interaction(const config::Config& config, llm::Targets& targets,
                         EmotionClassifier* emotion, const Translators& translators,
                         ConversationMemory* memory, Summarizer* summarizer, ResponseCache* cache,
                         Admission& admission, telemetry::Metrics& metrics)
    : config_(config),
      targets_(targets),
      emotion_(emotion),
      translators_(translators),
      memory_(memory),
      summarizer_(summarizer),
      cache_(cache),
      admission_(admission),
      metrics_(metrics) {}

asio::awaitable<absl::Status> Interaction::Run(v1::InteractRequest request, EventSink& sink,
                                               const Caller& caller) {
  Turn turn{std::move(request), sink, caller, true};
  const absl::Status status = co_await Tell(turn);
  RecordEnd(caller, turn.progress, status, metrics_);
  co_return status;
}

asio::awaitable<absl::StatusOr<v1::AnswerResponse>> Interaction::Answer(v1::AnswerRequest request,
                                                                        const Caller& caller) {
  AnswerSink sink;
  Turn turn{AsInteractRequest(std::move(request)), sink, caller, false};
  const absl::Status status = co_await Tell(turn);
  RecordEnd(caller, turn.progress, status, metrics_);
  if (!status.ok()) co_return status;
  co_return std::move(sink.answer);
}

asio::awaitable<absl::Status> Interaction::Tell(Turn& turn) {
  const std::string& language = turn.request.language();

  // 1. The request is checked and let in. What fails here is a status without an event.
  if (absl::Status wrong = Check(turn.request); !wrong.ok()) co_return wrong;
  turn.progress.target = targets_.Config(turn.request.target());
  if (turn.progress.target == nullptr) {
    co_return MakeError(ErrorCode::kUnknownTarget,
                        messages::UnknownTarget(language, turn.request.target(),
                                                absl::StrJoin(targets_.Names(), ", ")));
  }
  if (turn.stream && !turn.progress.target->stream) {
    co_return MakeError(
        ErrorCode::kStreamingDisabled,
        messages::StreamingDisabled(language, turn.progress.target->name, "POST /interact"));
  }

  const absl::StatusOr<Admission::Place> place = admission_.Enter();
  if (!place.ok()) co_return place.status();
  turn.progress.admitted = true;
  const telemetry::Counted open(metrics_.StreamsOpen(turn.caller.transport));

  absl::Status status = co_await Guard(Respond(turn));
  if (absl::IsCancelled(status) && !turn.caller.ended.ok()) {
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    status = turn.caller.ended;
  }
  if (status.ok() || absl::IsCancelled(status)) co_return status;

  v1::InteractResponse failed;
  v1::Error& error = *failed.mutable_error();
  error = ErrorOf(status);
  error.set_stage(turn.progress.Stage());
  error.set_text_so_far(turn.text);
  turn.Put(failed);
  co_return status;
}

// Everything but the failure.
asio::awaitable<absl::Status> Interaction::Respond(Turn& turn) {
  Translator* const translator = TranslatorFor(translators_, *turn.progress.target, turn.request);
  if (translator == nullptr) co_return co_await Converse(turn);
  // 3. The translation runs beside the rest and leaves when it comes; the rest ends it.
  turn.translation.emplace(co_await asio::this_coro::executor, *translator);
  asio::awaitable<absl::Status> translate = SendTranslation(turn);
  asio::awaitable<absl::Status> converse = Guard(Converse(turn));
  const std::variant<absl::Status, absl::Status> ended =
      co_await (std::move(translate) || std::move(converse));
  co_return std::visit([](const absl::Status& status) { return status; }, ended);
}

asio::awaitable<absl::Status> Interaction::Converse(Turn& turn) {
  // 2. The emotion leaves as soon as it is found, be it that an LLM finds it, while
  // 4. the conversation so far is recalled,
  // 5. and the cache asked: an answer that is kept leaves at once;
  // 6. else the model is, whose words then leave as they come.
  memory::Context context;
  std::unique_ptr<llm::TokenStream> tokens;
  asio::awaitable<absl::Status> ask = RecallAndAsk(turn, context, tokens);
  asio::awaitable<absl::Status> tell_emotion = SendEmotion(turn);
  const auto [asked, told] = co_await (std::move(ask) && std::move(tell_emotion));
  if (!asked.ok()) co_return asked;
  if (!told.ok()) co_return told;
  absl::StatusOr<std::unique_ptr<llm::Finish>> finish = co_await SendAnswer(turn, *tokens);
  // What does not fit into the model may do so with less of the past.
  while (turn.text.empty() && IsTooLarge(finish.status()) && DropOlderHalf(context)) {
    tokens = Ask(turn, context);
    finish = co_await SendAnswer(turn, *tokens);
  }
  if (!finish.ok()) co_return finish.status();
  const llm::Finish& end = **finish;

  // 7. The turn is remembered and the answer cached, in one commit, then it leaves whole, behind
  // the translation.
  v1::InteractResponse whole;
  v1::Complete& complete = *whole.mutable_complete();
  complete.set_text(turn.text);
  complete.set_finish_reason(end.reason);
  *complete.mutable_usage() = end.usage;
  complete.set_model(end.model);
  complete.set_target(end.target);
  asio::awaitable<absl::Status> keep = Keep(turn, context, complete);
  asio::awaitable<absl::StatusOr<bool>> remember = Remember(turn, end);
  const auto [kept, remembered] = co_await (std::move(keep) && std::move(remember));
  if (!kept.ok()) co_return kept;
  if (!remembered.ok()) co_return remembered.status();
  if (turn.translation) {
    (void)co_await turn.translation->Wait(
        turn.cached ? turn.progress.start + config_.translation.wait : net::kForever);
  }
  complete.set_cached(turn.cached);
  complete.set_remembered(*remembered);
  complete.mutable_timings()->set_first_chunk_ms(turn.progress.FirstChunkMs());
  complete.mutable_timings()->set_total_ms(turn.progress.TotalMs());
  turn.Put(whole);
  turn.whole = true;
  co_return absl::OkStatus();
}

// Without what was said before, and without the cache, the answer still comes. Fails only where the
// caller has gone.
asio::awaitable<absl::Status> Interaction::RecallAndAsk(Turn& turn, memory::Context& context,
                                                        std::unique_ptr<llm::TokenStream>& tokens) {
  bool caches = cache_ != nullptr && turn.Caches();
  std::optional<memory::Context> before_repeats;
  if (turn.Remembers() && memory_ != nullptr) {
    std::optional<std::string> repeated;
    if (caches) repeated = turn.request.input();
    absl::StatusOr<memory::Recollection> recalled =
        co_await Guard(memory_->Recall(turn.User(), turn.Session(), std::move(repeated)));
    if (absl::IsCancelled(recalled.status())) co_return recalled.status();
    if (recalled.ok()) {
      context = std::move(recalled->context);
      before_repeats = std::move(recalled->before_repeats);
    } else {
      RecordMissing(turn.caller, "memory", recalled.status(), metrics_);
      caches = false;  // what it depends on is not known
    }
  }
  if (caches) {
    turn.key = AnswerKey(turn.User(), *turn.progress.target,
                         MakePrompt(config_, before_repeats ? *before_repeats : context,
                                    turn.request.input(), turn.stream),
                         Feeds(turn) ? TextInKey::kTranslated : TextInKey::kNormalized);
    const absl::Status looked = co_await LookUp(turn, tokens);
    if (!looked.ok()) co_return looked;
  }
  if (turn.cached) co_return absl::OkStatus();
  if (Feeds(turn)) {
    absl::Status waited = co_await Guard(turn.translation->Wait(net::kForever));
    if (!waited.ok()) co_return waited;
  }
  tokens = Ask(turn, context);
  co_return absl::OkStatus();
}

// Gives `tokens` where the answer is kept. Fails only where the caller has gone.
asio::awaitable<absl::Status> Interaction::LookUp(Turn& turn,
                                                  std::unique_ptr<llm::TokenStream>& tokens) {
  absl::StatusOr<std::optional<v1::Complete>> found =
      co_await Guard(cache_->Get(turn.User(), turn.key));
  if (absl::IsCancelled(found.status())) co_return found.status();
  if (!found.ok()) {
    RecordMissing(turn.caller, "cache", found.status(), metrics_);
    turn.key.clear();
  } else if (*found) {
    turn.cached = true;
    tokens = std::make_unique<KeptAnswer>(**std::move(found), config_.cache);
  }
  co_return absl::OkStatus();
}

std::unique_ptr<llm::TokenStream> Interaction::Ask(const Turn& turn,
                                                   const memory::Context& context) {
  const std::string instead = ReadInstead(turn);
  const std::string& input = instead.empty() ? turn.request.input() : instead;
  return targets_.Generate(*turn.progress.target, MakePrompt(config_, context, input, turn.stream));
}

// Keeps an answer that is whole, and of the target that was asked. Fails only where the caller has
// gone.
asio::awaitable<absl::Status> Interaction::Keep(const Turn& turn, const memory::Context& context,
                                                const v1::Complete& answer) {
  const bool worth = answer.finish_reason() == "STOP" &&
                     answer.target() == turn.progress.target->name && !turn.cached;
  const bool as_meant = !Feeds(turn) || !ReadInstead(turn).empty();
  if (turn.key.empty() || !worth || !as_meant) co_return absl::OkStatus();
  auto holds = [user = turn.User(), context](storage::Connection& connection) {
    return memory::IsThere(connection, user, context);
  };
  absl::Status kept = co_await Guard(cache_->Put(turn.User(), turn.key, answer, std::move(holds)));
  if (absl::IsCancelled(kept)) co_return kept;
  if (!kept.ok()) RecordMissing(turn.caller, "cache", kept, metrics_);
  co_return absl::OkStatus();
}

// Whether the turn is in memory. Fails only where the caller has gone.
asio::awaitable<absl::StatusOr<bool>> Interaction::Remember(Turn& turn, const llm::Finish& finish) {
  if (!turn.Remembers() || memory_ == nullptr) co_return false;
  v1::Conversation said;
  said.set_user_id(turn.User());
  said.set_session_id(turn.Session());
  *said.mutable_timestamp() = Turn::Now();
  said.set_user_message(turn.request.input());
  said.set_assistant_message(turn.text);
  said.set_translation(ReadInstead(turn));
  said.set_emotion(turn.emotion);
  said.set_processing_time(
      std::chrono::duration<double>(Clock::now() - turn.progress.start).count());
  said.set_cached(turn.cached);
  said.set_model(finish.model);
  const bool gemini = targets_.Config(finish.target)->api == config::Target::Api::kGemini;
  said.set_mode(gemini ? "api" : "server");
  said.set_finish_reason(finish.reason);
  auto holds = turn.cached ? cache_->StillKept(turn.User(), turn.key) : nullptr;
  const absl::Status kept = co_await Guard(memory_->Remember(std::move(said), std::move(holds)));
  if (absl::IsCancelled(kept)) co_return kept;
  if (!kept.ok()) {
    RecordMissing(turn.caller, "memory", kept, metrics_);
  } else if (summarizer_ != nullptr) {
    summarizer_->AfterTurn(co_await asio::this_coro::executor, turn.User(), turn.Session());
  }
  co_return kept.ok();
}

// Without the emotion the answer still comes.
asio::awaitable<absl::Status> Interaction::SendEmotion(Turn& turn) {
  const v1::Features& features = turn.request.features();
  const int before = turn.progress.events;
  if (emotion_ != nullptr && (!features.has_emotion() || features.emotion())) {
    std::vector<std::string> texts = {turn.request.input()};
    absl::StatusOr<std::vector<v1::Emotion>> found =
        co_await Guard(emotion_->Classify(std::move(texts)));
    if (absl::IsCancelled(found.status())) co_return found.status();
    if (found.ok()) {
      turn.emotion = found->front().emotion();
      v1::InteractResponse event;
      *event.mutable_emotion() = std::move(found->front());
      turn.Put(event);
    } else {
      RecordMissing(turn.caller, "emotion", found.status(), metrics_);
    }
  }
  turn.emotion_over = true;
  turn.PutTranslation();
  if (turn.progress.events == before) co_return absl::OkStatus();
  co_return co_await turn.sink.Room();
}

// What the model reads in place of what the person said; empty where it reads that.
std::string Interaction::ReadInstead(const Turn& turn) const {
  return Feeds(turn) ? turn.translation->text() : "";
}

// Whether the model is to read the translation.
bool Interaction::Feeds(const Turn& turn) const {
  return config_.translation.feeds_model && turn.translation;
}

// Without the translation the answer still comes. Once it is over this waits to be cancelled, so
// that whoever awaits it beside the answer goes by the answer's end.
asio::awaitable<absl::Status> Interaction::SendTranslation(Turn& turn) {
  const absl::Status made = co_await turn.translation->Make(turn.request.input());
  if (absl::IsCancelled(made)) co_return made;
  if (!made.ok()) RecordMissing(turn.caller, "translation", made, metrics_);
  turn.PutTranslation();
  net::Signal never(co_await asio::this_coro::executor);
  (void)co_await never.Wait(net::kForever);
  co_return made;
}

// Passes the model's words on as they come. What has arrived has left when it returns, in failure
// too.
asio::awaitable<absl::StatusOr<std::unique_ptr<llm::Finish>>> Interaction::SendAnswer(
    Turn& turn, llm::TokenStream& tokens) {
  AnswerWords words(turn.cached ? KeptAnswer::Chunking(config_) : config_.stream,
                    turn.request.language(), turn.text);
  std::vector<std::string> chunks;
  v1::InteractResponse event;
  const net::TimePoint hold = turn.progress.start + config_.translation.wait;
  absl::StatusOr<llm::Token> token = co_await FirstToken(tokens, turn.translation, hold);
  for (;;) {
    absl::StatusOr<std::unique_ptr<llm::Finish>> step = words.Take(std::move(token), chunks);
    turn.progress.bytes = turn.text.size();
    const net::TimePoint now = Clock::now();
    const google::protobuf::Timestamp time_of_day = Turn::Now();
    for (std::string& chunk : chunks) {
      turn.progress.CountChunk(now, metrics_);
      event.mutable_llm_chunk()->set_text(std::move(chunk));
      turn.Put(event, time_of_day);
    }
    chunks.clear();
    const absl::Status sent = co_await turn.sink.Room();
    if (!sent.ok()) co_return sent;
    if (!step.ok()) {
      co_return AnswerFailed(step.status(), turn.request.language(), *turn.progress.target,
                             turn.stream);
    }
    if (*step != nullptr) co_return *std::move(step);
    token = co_await tokens.Next(words.due());
  }
}

}  // namespace luna
