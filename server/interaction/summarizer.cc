#include "server/interaction/summarizer.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <absl/strings/str_cat.h>
#include <spdlog/spdlog.h>

#include "server/base/error.h"
#include "server/base/utf8.h"

namespace luna {

namespace asio = boost::asio;
using storage::Connection;

namespace {

// What is summed up at once fits into the context of a small model.
constexpr int kMostTokens = 4000;
constexpr std::size_t kMostAnswerBytes = 8 << 10;
constexpr double kTemperature = 0.2;
constexpr int kLongestPause = 32;  // turns
constexpr std::size_t kMostPauses = 10'000;

std::string Instruction(const std::string& language) {
  if (language == "korean") {
    return "다음은 사용자와 AI의 대화입니다. 나중에 대화를 이어 갈 때 필요한 사실, 약속, 취향, "
           "감정을 잃지 않도록 한국어로 짧게 요약하세요. 요약만 쓰고 다른 말은 하지 마세요.";
  }
  return absl::StrCat(
      "The following is a conversation between a person and an AI. Sum it up briefly in ", language,
      ", so that the facts, promises, preferences and feelings that are needed to go on later are "
      "not lost. Write the summary and nothing else.");
}

}  // namespace

Summarizer::Summarizer(const config::Config& config, llm::Targets& targets,
                       ConversationMemory& memory, net::TaskGroup& tasks)
    : config_(config), targets_(targets), memory_(memory), tasks_(tasks) {}

void Summarizer::AfterTurn(const asio::any_io_executor& executor, std::string user,
                           std::string session) {
  if (!config_.memory.enable_auto_summary) return;
  std::string key = memory::SessionKey(user, session);
  const auto pause = pauses_.find(key);
  if (pause != pauses_.end() && --pause->second.turns_left > 0) return;
  tasks_.Spawn(executor, std::move(key), SumUpOlder(std::move(user), std::move(session)));
}

asio::awaitable<void> Summarizer::SumUpOlder(std::string user, std::string session) {
  const config::Memory& options = config_.memory;
  auto read = [user, session, leave = options.max_context_turns](Connection& connection) {
    return memory::ReadUnsummarized(connection, user, session, leave, kMostTokens);
  };
  absl::StatusOr<memory::Unsummarized> turns = co_await memory_.Read(std::move(read));
  if (turns.ok() && turns->count <= options.summary_threshold) co_return;
  absl::Status status = turns.status();
  if (turns.ok() && !turns->turns.empty()) {
    const absl::StatusOr<std::string> summary = co_await SumUp(user, session, *std::move(turns));
    status = summary.status();
  }
  if (status.ok()) {
    pauses_.erase(memory::SessionKey(user, session));
    co_return;
  }
  spdlog::warn("no summary: {}", OwnWords(status));
  if (pauses_.size() >= kMostPauses) pauses_.clear();
  const auto [pause, first] = pauses_.try_emplace(memory::SessionKey(user, session));
  const int turns_to_wait = first ? 1 : std::min(2 * pause->second.turns, kLongestPause);
  pause->second = {turns_to_wait, turns_to_wait};
}

asio::awaitable<absl::StatusOr<std::string>> Summarizer::Summarize(std::string user,
                                                                   std::string session) {
  absl::StatusOr<std::string> summary = "";
  while (summary.ok()) {
    auto read = [user, session](Connection& connection) {
      return memory::ReadUnsummarized(connection, user, session, 0, kMostTokens);
    };
    absl::StatusOr<memory::Unsummarized> turns = co_await memory_.Read(std::move(read));
    if (!turns.ok()) co_return turns.status();
    if (turns->turns.empty()) co_return summary;
    summary = co_await SumUp(user, session, *std::move(turns));
  }
  co_return summary;
}

asio::awaitable<absl::StatusOr<std::string>> Summarizer::SumUp(std::string user,
                                                               std::string session,
                                                               memory::Unsummarized turns) {
  const config::Target& target = *targets_.Config("");
  std::unique_ptr<llm::TokenStream> stream = targets_.Generate(target, MakePrompt(turns));
  std::string summary;
  absl::StatusOr<llm::Token> token = llm::Pause{};
  do {
    token = co_await stream->Next(net::kForever);
    if (!token.ok()) co_return token.status();
    if (const auto* pieces = std::get_if<llm::Pieces>(&*token)) {
      for (const std::string& piece : *pieces) summary += piece;
    }
    if (summary.size() > memory::kMostSummaryBytes) {
      co_return MakeError(ErrorCode::kAnswerTooLong, "the summary is too long");
    }
  } while (!std::holds_alternative<std::unique_ptr<llm::Finish>>(*token));
  if (std::get<std::unique_ptr<llm::Finish>>(*token)->reason != "STOP") {
    co_return MakeError(ErrorCode::kAnswerTooLong, "the summary was cut off");
  }
  auto insert = [user, session, turns, summary](Connection& connection) {
    return memory::InsertSummary(connection, user, session, turns, summary);
  };
  const absl::StatusOr<bool> kept = co_await memory_.Change(std::move(insert));
  if (!kept.ok()) co_return kept.status();
  if (!*kept) {
    co_return MakeError(ErrorCode::kStorageUnavailable,
                        "the conversation changed while it was summed up");
  }
  co_return summary;
}

llm::Prompt Summarizer::MakePrompt(const memory::Unsummarized& turns) const {
  std::string said;
  if (!turns.summary.empty()) absl::StrAppend(&said, "[", turns.summary, "]\n\n");
  for (const v1::Conversation& turn : turns.turns) {
    std::string answer = turn.assistant_message();
    utf8::Truncate(answer, kMostAnswerBytes);
    absl::StrAppend(&said, "사용자: ", turn.user_message(), "\nAI: ", answer, "\n");
  }
  llm::Prompt prompt;
  prompt.system = Instruction(config_.memory.summary_language);
  prompt.messages.push_back({llm::Message::Role::kUser, std::move(said)});
  prompt.stream = false;
  prompt.temperature = kTemperature;
  return prompt;
}

}  // namespace luna
