#include "server/rpc/generation_prompt.h"

#include <climits>
#include <string>

#include <absl/strings/str_cat.h>

#include "server/base/error.h"
#include "server/interaction/checks.h"
#include "server/interaction/messages.h"
#include "server/rpc/limits.h"

namespace luna::rpc {
namespace {

using Role = llm::Message::Role;

absl::Status Refuse(std::string message) {
  return MakeError(ErrorCode::kInvalidInput, std::move(message));
}

void Join(std::string& text, const std::string& more) {
  absl::StrAppend(&text, text.empty() || more.empty() ? "" : "\n\n", more);
}

absl::Status CheckSampling(const v1::GenerateRequest& request) {
  const std::string& language = request.language();
  const auto check = [&](bool right, const char* field, int least, int most) {
    return right ? absl::OkStatus() : Refuse(messages::NotBetween(language, field, least, most));
  };
  const auto within = [](double value, double most) { return value >= 0 && value <= most; };
  absl::Status status =
      check(!request.has_temperature() || within(request.temperature(), kMostTemperature),
            "temperature", 0, kMostTemperature);
  if (status.ok()) {
    status =
        check(!request.has_top_p() || within(request.top_p(), kMostTopP), "top_p", 0, kMostTopP);
  }
  if (status.ok()) {
    status = check(!request.has_max_tokens() || request.max_tokens() > 0, "max_tokens", 1, INT_MAX);
  }
  return status;
}

absl::Status CheckStops(const v1::GenerateRequest& request) {
  if (request.stop_size() > kMostStops) {
    return Refuse(messages::TooMany(request.language(), "stop", kMostStops));
  }
  for (int i = 0; i < request.stop_size(); ++i) {
    if (!request.stop(i).empty()) continue;
    return Refuse(messages::Empty(request.language(), absl::StrCat("stop[", i, "]")));
  }
  return absl::OkStatus();
}

absl::Status Check(const v1::GenerateRequest& request) {
  const std::string& language = request.language();
  absl::Status status = CheckLanguage(language);
  if (status.ok()) status = CheckId(language, "user_id", request.user_id());
  if (status.ok()) status = CheckId(language, "model", request.model());
  if (status.ok()) status = CheckSampling(request);
  if (status.ok()) status = CheckStops(request);
  return status;
}

void AddTurn(Role role, const std::string& text, llm::Prompt& prompt) {
  if (!prompt.messages.empty() && prompt.messages.back().role == role) {
    Join(prompt.messages.back().text, text);
  } else {
    prompt.messages.push_back({role, text});
  }
}

absl::Status ReadMessages(const v1::GenerateRequest& request, llm::Prompt& prompt) {
  bool anything = false;
  for (int i = 0; i < request.messages_size(); ++i) {
    const v1::ChatMessage& message = request.messages(i);
    const std::string& role = message.role();
    if (role == "system" || role == "developer") {
      Join(prompt.system, message.content());
    } else if (role == "user" || role == "assistant") {
      AddTurn(role == "user" ? Role::kUser : Role::kModel, message.content(), prompt);
      anything = anything || (role == "user" && !IsBlank(message.content()));
    } else {
      return Refuse(
          messages::UnknownRole(request.language(), absl::StrCat("messages[", i, "].role"), role));
    }
  }
  return anything ? absl::OkStatus() : Refuse(messages::NoUserMessage(request.language()));
}

}  // namespace

absl::StatusOr<llm::Prompt> PromptOf(const v1::GenerateRequest& request, bool stream) {
  absl::Status status = Check(request);
  if (!status.ok()) return status;
  const int forms = (request.messages_size() > 0 ? 1 : 0) +
                    (request.user_prompt().empty() ? 0 : 1) + (request.input().empty() ? 0 : 1);
  if (forms != 1) return Refuse(messages::OnePrompt(request.language()));

  llm::Prompt prompt;
  prompt.system = request.system_prompt();
  prompt.stream = stream;
  prompt.model = request.model();
  if (request.has_temperature()) prompt.temperature = request.temperature();
  if (request.has_top_p()) prompt.top_p = request.top_p();
  if (request.has_max_tokens()) prompt.max_tokens = request.max_tokens();
  if (request.has_seed()) prompt.seed = request.seed();
  prompt.stop.assign(request.stop().begin(), request.stop().end());
  if (request.messages_size() > 0) {
    status = ReadMessages(request, prompt);
    if (!status.ok()) return status;
    return prompt;
  }
  const bool input = !request.input().empty();
  const std::string& text = input ? request.input() : request.user_prompt();
  if (IsBlank(text)) {
    return Refuse(messages::Empty(request.language(), input ? "input" : "user_prompt"));
  }
  prompt.messages.push_back({Role::kUser, text});
  return prompt;
}

}  // namespace luna::rpc
