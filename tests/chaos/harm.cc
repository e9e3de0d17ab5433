#include "tests/chaos/harm.h"

#include <algorithm>

namespace luna::chaos {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDelay{30};
constexpr std::size_t kThrottled = 100;  // bytes, one by one
constexpr milliseconds kBetweenBytes{1};
constexpr char kForbidden = '\x01';

// Whether the byte is a digit of a chunk's size: nothing else stands on its line.
bool IsInChunkSize(std::string_view bytes, std::size_t at) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  const std::size_t first = bytes.find_last_not_of(kDigits, at);
  const std::size_t last = bytes.find_first_not_of(kDigits, at);
  return first != std::string_view::npos && bytes[first] == '\n' &&
         last != std::string_view::npos && last != at && bytes[last] == '\r';
}

}  // namespace

Response Response::Draw(std::mt19937_64& random, double share, std::size_t span) {
  const bool harmed = std::bernoulli_distribution(share)(random);
  const int kind = std::uniform_int_distribution<int>(1, kHarmNames.size() - 1)(random);
  const std::size_t at = std::uniform_int_distribution<std::size_t>(1, span)(random);
  return {harmed ? static_cast<Harm>(kind) : Harm::kNone, at};
}

std::vector<Step> Response::Take(std::string_view bytes) {
  begun_ = true;
  std::vector<Step> steps;
  if (in_body_) {
    TakeBody(bytes, steps);
    return steps;
  }
  const std::size_t before = head_.size();
  head_ += bytes;
  const std::size_t end = head_.find("\r\n\r\n");
  in_body_ = end != std::string::npos;
  const std::size_t of_head = in_body_ ? end + 4 - before : bytes.size();
  steps.push_back({milliseconds(0), std::string(bytes.substr(0, of_head))});
  TakeBody(bytes.substr(of_head), steps);
  return steps;
}

void Response::TakeBody(std::string_view bytes, std::vector<Step>& steps) {
  if (bytes.empty()) return;
  const std::size_t slow = std::min(to_throttle_, bytes.size());
  for (std::size_t i = 0; i < slow; ++i) steps.push_back({kBetweenBytes, std::string(1, bytes[i])});
  to_throttle_ -= slow;
  bytes.remove_prefix(slow);
  body_ += slow;
  const bool due = harm_ != Harm::kNone && done_ == Harm::kNone && body_ + bytes.size() > at_;
  const std::size_t whole = due ? std::max(at_, body_) - body_ : bytes.size();
  body_ += whole;
  steps.push_back({milliseconds(0), std::string(bytes.substr(0, whole))});
  if (due) Hurt(bytes.substr(whole), steps);
}

void Response::Hurt(std::string_view bytes, std::vector<Step>& steps) {
  if (harm_ == Harm::kCorrupt) return Corrupt(bytes, steps);
  done_ = harm_;
  if (harm_ == Harm::kDelay) {
    steps.push_back({kDelay, std::string(bytes)});
    body_ += bytes.size();
  } else if (harm_ == Harm::kThrottle) {
    to_throttle_ = kThrottled;
    TakeBody(bytes, steps);
  } else {
    const bool cut = harm_ == Harm::kCut;
    steps.push_back({milliseconds(0), "", cut ? Step::End::kClose : Step::End::kReset});
  }
}

void Response::Corrupt(std::string_view bytes, std::vector<Step>& steps) {
  std::string harmed(bytes);
  for (std::size_t i = 0; i < bytes.size() && done_ == Harm::kNone; ++i) {
    static constexpr std::string_view kStructure = "{}[]:\"\r\n";
    const bool structural = kStructure.find(bytes[i]) != std::string_view::npos;
    if (!structural && !IsInChunkSize(bytes, i)) continue;
    harmed[i] = kForbidden;
    done_ = Harm::kCorrupt;
  }
  body_ += bytes.size();
  steps.push_back({milliseconds(0), std::move(harmed)});
}

}  // namespace luna::chaos
