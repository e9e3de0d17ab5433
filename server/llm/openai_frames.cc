#include "server/llm/openai_frames.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "server/base/error.h"
#include "server/llm/json_walk.h"
#include "server/llm/upstream_error.h"

namespace luna::llm {
namespace {

enum class Place {
  kOther,
  kRoot,
  kObject,
  kModel,
  kChoices,
  kChoice,
  kIndex,
  kFinishReason,
  kMessage,
  kContent,
  kUsage,
  kPromptTokens,
  kCompletionTokens,
  kTotalTokens,
  kCompletionDetails,
  kReasoningTokens,
  kError,
};

class Walk : public JsonWalk<Walk, Place> {
 public:
  static constexpr std::array<Step<Place>, 16> kSteps{{
      {Place::kRoot, "choices", Place::kChoices},
      {Place::kRoot, "object", Place::kObject},
      {Place::kRoot, "model", Place::kModel},
      {Place::kRoot, "usage", Place::kUsage},
      {Place::kRoot, "error", Place::kError},
      {Place::kChoices, "", Place::kChoice},
      {Place::kChoice, "delta", Place::kMessage},
      {Place::kChoice, "message", Place::kMessage},
      {Place::kChoice, "index", Place::kIndex},
      {Place::kChoice, "finish_reason", Place::kFinishReason},
      {Place::kMessage, "content", Place::kContent},
      {Place::kUsage, "prompt_tokens", Place::kPromptTokens},
      {Place::kUsage, "completion_tokens", Place::kCompletionTokens},
      {Place::kUsage, "total_tokens", Place::kTotalTokens},
      {Place::kUsage, "completion_tokens_details", Place::kCompletionDetails},
      {Place::kCompletionDetails, "reasoning_tokens", Place::kReasoningTokens},
  }};

  explicit Walk(Answer& answer) : answer_(answer) {}

  bool OnString(Place place, std::string_view value) {
    switch (place) {
      case Place::kContent:
        answer_.text += value;
        break;
      case Place::kFinishReason:
        choice_finish_reason_ = value;
        break;
      case Place::kModel:
        answer_.model = value;
        break;
      case Place::kObject:
        has_error_ = value == "error";
        break;
      case Place::kError:
        has_error_ = true;
        break;
      default:
        break;
    }
    return !has_error_;
  }

  bool OnNumber(Place place, std::int64_t value) {
    const auto count = static_cast<int>(std::clamp<std::int64_t>(value, 0, INT32_MAX));
    switch (place) {
      case Place::kIndex:
        index_ = count;
        break;
      case Place::kPromptTokens:
        answer_.usage.set_prompt_tokens(count);
        break;
      case Place::kCompletionTokens:
        answer_.usage.set_completion_tokens(count);
        break;
      case Place::kTotalTokens:
        answer_.usage.set_total_tokens(count);
        break;
      case Place::kReasoningTokens:
        answer_.usage.set_thoughts_tokens(count);
        break;
      default:
        break;
    }
    return true;
  }

  bool OnBool(Place, bool) { return true; }

  bool OnEnter(Place place) {
    if (place == Place::kError) has_error_ = true;
    if (place == Place::kChoice) {
      index_ = 0;
      choice_finish_reason_ = {};
      text_before_ = answer_.text.size();
    }
    return !has_error_;
  }

  bool OnLeave(Place place) {
    if (place != Place::kChoice) return true;
    if (index_ != 0) {
      answer_.text.resize(text_before_);
    } else if (!choice_finish_reason_.empty()) {
      finish_reason_ = choice_finish_reason_;
    }
    return true;
  }

  bool has_error() const { return has_error_; }
  std::string_view finish_reason() const { return finish_reason_; }

 private:
  Answer& answer_;
  int index_ = 0;  // it may come after the rest
  std::size_t text_before_ = 0;
  std::string_view choice_finish_reason_;
  std::string_view finish_reason_;
  bool has_error_ = false;
};

absl::Status TakeFinish(const config::Target& target, std::string_view reason, Answer& answer) {
  if (reason.empty()) return absl::OkStatus();
  if (reason == "stop" || reason == "length") {
    answer.finish_reason = reason == "stop" ? "STOP" : "MAX_TOKENS";
    return absl::OkStatus();
  }
  const std::string quoted = Quotable(target, reason, 100);
  if (reason == "content_filter") {
    return MakeError(ErrorCode::kContentBlocked,
                     target.name + ": the provider blocked the answer: " + quoted);
  }
  return ProtocolError(target, "the model ended its answer with " + quoted);
}

}  // namespace

absl::Status OpenAiFrames::Read(std::string_view json, Answer& answer) {
  buffer_.assign(json);
  Walk walk(answer);
  const bool whole = WalkInSitu(buffer_, walk);
  if (walk.has_error()) return ErrorOfObject(target_, json);
  if (!whole) {
    answer.text.clear();
    return ProtocolError(target_, "a frame of the answer is not a JSON object", json);
  }
  return TakeFinish(target_, walk.finish_reason(), answer);
}

}  // namespace luna::llm
