#include "server/llm/event_decoder.h"

#include <algorithm>
#include <utility>

#include <absl/strings/ascii.h>

namespace luna::llm {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::size_t FindLineEnd(std::string_view text) {
  const std::size_t lf = text.find('\n');
  const std::size_t cr = text.substr(0, lf).find('\r');
  return cr == std::string_view::npos ? lf : cr;
}

bool IsFieldName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-';
  });
}

}  // namespace

void EventDecoder::Push(std::string_view bytes) { input_ = bytes; }

void EventDecoder::Close() { closed_ = true; }

std::optional<EventDecoder::Item> EventDecoder::Next() {
  if (held_) return Item{*std::exchange(held_, std::nullopt), held_text_};
  std::string_view line;
  while (!too_long_ && TakeLine(line)) {
    const auto item = Understand(line);
    if (item) return item;
  }
  if (too_long_) return Item{Item::Kind::kTooLong, ""};
  if (closed_) return TakeEvent();
  KeepData();
  return std::nullopt;
}

bool EventDecoder::TakeLine(std::string_view& line) {
  if (std::exchange(partial_taken_, false)) partial_.clear();
  if (after_cr_ && !input_.empty()) {
    if (input_.front() == '\n') input_.remove_prefix(1);
    after_cr_ = false;
  }
  const std::size_t end = FindLineEnd(input_);
  const bool whole = end != std::string_view::npos;
  const std::size_t length = partial_.size() + (whole ? end : input_.size());
  if (length > kLongest) {
    too_long_ = true;
    return false;
  }
  if (whole && partial_.empty()) {
    line = input_.substr(0, end);
  } else {
    partial_.append(input_.substr(0, end));
    partial_taken_ = whole || (closed_ && !partial_.empty());
    line = partial_;
  }
  if (whole) after_cr_ = input_[end] == '\r';
  input_.remove_prefix(whole ? end + 1 : input_.size());
  const bool taken = whole || partial_taken_;
  if (taken && std::exchange(first_line_, false) &&
      line.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    line.remove_prefix(kByteOrderMark.size());
  }
  return taken;
}

std::optional<EventDecoder::Item> EventDecoder::Understand(std::string_view line) {
  if (line.empty()) return TakeEvent();
  const std::size_t colon = line.find(':');
  const bool has_colon = colon != std::string_view::npos;
  const std::string_view name = line.substr(0, colon);
  std::string_view value = has_colon ? line.substr(colon + 1) : std::string_view();
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);

  if (name == "data") {
    AddData(value);
    return std::nullopt;
  }
  Item item{Item::Kind::kStray, line};
  if (has_colon && (name == "error" || name == "Error")) {
    item = {Item::Kind::kError, value};
  } else if (has_colon ? name.empty() || IsFieldName(name)
                       : name == "event" || name == "id" || name == "retry") {
    return std::nullopt;
  }
  const auto event = TakeEvent();
  if (!event) return item;
  held_ = item.kind;
  held_text_ = item.text;
  return event;
}

void EventDecoder::AddData(std::string_view value) {
  if (has_data_) {
    KeepData();
    data_ += '\n';
    data_ += value;
    too_long_ = data_.size() > kLongest;
    return;
  }
  has_data_ = true;
  data_in_input_ = !partial_taken_;
  if (data_in_input_) {
    data_view_ = value;
  } else {
    data_ = value;
  }
}

void EventDecoder::KeepData() {
  if (std::exchange(data_in_input_, false)) data_ = data_view_;
}

std::optional<EventDecoder::Item> EventDecoder::TakeEvent() {
  if (!std::exchange(has_data_, false)) return std::nullopt;
  const std::string_view text =
      std::exchange(data_in_input_, false) ? data_view_ : std::string_view(data_);
  if (text.empty()) return std::nullopt;
  return Item{Item::Kind::kData, text};
}

}  // namespace luna::llm
