#include "server/llm/gemini_frames.h"

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
  kCandidates,
  kCandidate,
  kIndex,
  kFinishReason,
  kFinishMessage,
  kContent,
  kParts,
  kPart,
  kText,
  kThought,
  kUsage,
  kPromptTokens,
  kCandidatesTokens,
  kThoughtsTokens,
  kTotalTokens,
  kModelVersion,
  kPromptFeedback,
  kBlockReason,
  kError,
};

class Walk : public JsonWalk<Walk, Place> {
 public:
  static constexpr std::array<Step<Place>, 19> kSteps{{
      {Place::kRoot, "candidates", Place::kCandidates},
      {Place::kCandidates, "", Place::kCandidate},
      {Place::kCandidate, "content", Place::kContent},
      {Place::kCandidate, "index", Place::kIndex},
      {Place::kCandidate, "finishReason", Place::kFinishReason},
      {Place::kCandidate, "finishMessage", Place::kFinishMessage},
      {Place::kContent, "parts", Place::kParts},
      {Place::kParts, "", Place::kPart},
      {Place::kPart, "text", Place::kText},
      {Place::kPart, "thought", Place::kThought},
      {Place::kRoot, "usageMetadata", Place::kUsage},
      {Place::kUsage, "promptTokenCount", Place::kPromptTokens},
      {Place::kUsage, "candidatesTokenCount", Place::kCandidatesTokens},
      {Place::kUsage, "thoughtsTokenCount", Place::kThoughtsTokens},
      {Place::kUsage, "totalTokenCount", Place::kTotalTokens},
      {Place::kRoot, "modelVersion", Place::kModelVersion},
      {Place::kRoot, "promptFeedback", Place::kPromptFeedback},
      {Place::kPromptFeedback, "blockReason", Place::kBlockReason},
      {Place::kRoot, "error", Place::kError},
  }};

  explicit Walk(Answer& answer) : answer_(answer) {}

  bool OnString(Place place, std::string_view value) {
    switch (place) {
      case Place::kText:
        part_text_ = value;
        break;
      case Place::kFinishReason:
        candidate_.finish_reason = value;
        break;
      case Place::kFinishMessage:
        candidate_.finish_message = value;
        break;
      case Place::kBlockReason:
        block_reason_ = value;
        break;
      case Place::kModelVersion:
        answer_.model = value;
        break;
      case Place::kError:
        has_error_ = true;
        return false;
      default:
        break;
    }
    return true;
  }

  bool OnNumber(Place place, std::int64_t value) {
    const auto count = static_cast<int>(std::clamp<std::int64_t>(value, 0, INT32_MAX));
    switch (place) {
      case Place::kIndex:
        candidate_.index = count;
        break;
      case Place::kPromptTokens:
        answer_.usage.set_prompt_tokens(count);
        break;
      case Place::kCandidatesTokens:
        answer_.usage.set_completion_tokens(count);
        break;
      case Place::kThoughtsTokens:
        answer_.usage.set_thoughts_tokens(count);
        break;
      case Place::kTotalTokens:
        answer_.usage.set_total_tokens(count);
        break;
      default:
        break;
    }
    return true;
  }

  bool OnBool(Place place, bool value) {
    if (place == Place::kThought) thought_ = value;
    return true;
  }

  bool OnEnter(Place place) {
    has_error_ = has_error_ || place == Place::kError;
    if (place == Place::kCandidate) {
      candidate_ = {};
      text_before_ = answer_.text.size();
    } else if (place == Place::kPart) {
      part_text_ = {};
      thought_ = false;
    }
    return !has_error_;
  }

  bool OnLeave(Place place) {
    if (place == Place::kPart && !thought_) answer_.text += part_text_;
    if (place == Place::kCandidates) {
      has_enough_ = !answer_.text.empty() && first_.finish_reason.empty();
      return !has_enough_;
    }
    if (place != Place::kCandidate) return true;
    if (candidate_.index == 0) {
      first_ = candidate_;
    } else {
      answer_.text.resize(text_before_);
    }
    return true;
  }

  // A frame in mid-answer need not be read to its end: what it tells of usage and model the last
  // one tells again. That is half of its bytes.
  bool has_enough() const { return has_enough_; }
  bool has_error() const { return has_error_; }
  std::string_view block_reason() const { return block_reason_; }
  std::string_view finish_reason() const { return first_.finish_reason; }
  std::string_view finish_message() const { return first_.finish_message; }

 private:
  struct Candidate {
    int index = 0;  // it may come after the rest
    std::string_view finish_reason;
    std::string_view finish_message;
  };

  Answer& answer_;
  Candidate candidate_;
  Candidate first_;
  std::size_t text_before_ = 0;
  std::string_view part_text_;
  bool thought_ = false;
  bool has_enough_ = false;
  std::string_view block_reason_;
  bool has_error_ = false;
};

constexpr std::array<std::string_view, 10> kBlocks{
    "SAFETY",       "RECITATION",         "LANGUAGE",
    "BLOCKLIST",    "PROHIBITED_CONTENT", "SPII",
    "IMAGE_SAFETY", "IMAGE_RECITATION",   "IMAGE_PROHIBITED_CONTENT",
    "MODEL_ARMOR",
};

absl::Status Blocked(const config::Target& target, const char* what, std::string_view reason,
                     std::string_view message) {
  const std::string own_words =
      target.name + ": the provider blocked the " + what + ": " + Quotable(target, reason, 100);
  const absl::Status error = MakeError(ErrorCode::kContentBlocked, own_words);
  if (message.empty()) return error;
  return WithMessage(error, own_words + ": " + Quotable(target, message, 500), own_words);
}

absl::Status TakeFinish(const config::Target& target, const Walk& walk, Answer& answer) {
  const std::string_view reason = walk.finish_reason();
  if (reason.empty() || reason == "FINISH_REASON_UNSPECIFIED") return absl::OkStatus();
  if (reason == "STOP" || reason == "MAX_TOKENS") {
    answer.finish_reason = reason;
    return absl::OkStatus();
  }
  if (std::find(kBlocks.begin(), kBlocks.end(), reason) != kBlocks.end()) {
    return Blocked(target, "answer", reason, walk.finish_message());
  }
  return ProtocolError(target, "the model ended its answer with " + Quotable(target, reason, 100),
                       walk.finish_message());
}

}  // namespace

absl::Status GeminiFrames::Read(std::string_view json, Answer& answer) {
  buffer_.assign(json);
  Walk walk(answer);
  const bool whole = WalkInSitu(buffer_, walk);
  if (walk.has_error()) return ErrorOfObject(target_, json);
  if (!whole && !walk.has_enough()) {
    answer.text.clear();
    return ProtocolError(target_, "a frame of the answer is not a JSON object", json);
  }
  if (!walk.block_reason().empty()) return Blocked(target_, "prompt", walk.block_reason(), "");
  return TakeFinish(target_, walk, answer);
}

}  // namespace luna::llm
