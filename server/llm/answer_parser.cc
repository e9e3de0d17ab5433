#include "server/llm/answer_parser.h"

#include <utility>

#include "server/base/error.h"
#include "server/base/utf8.h"
#include "server/llm/upstream_error.h"

namespace luna::llm {
namespace {

constexpr std::size_t kMostStray = 64 << 10;
constexpr std::size_t kLongestModel = 1024;

}  // namespace

AnswerGatherer::AnswerGatherer(const config::Target& target, std::unique_ptr<FrameReader> reader)
    : target_(target), reader_(std::move(reader)) {}

absl::Status AnswerGatherer::Read(std::string_view json, std::vector<std::string>& pieces) {
  answer_.text.clear();
  absl::Status status = reader_->Read(json, answer_);
  TakeText(pieces);
  return status;
}

void AnswerGatherer::TakeText(std::vector<std::string>& pieces) {
  if (answer_.text.empty()) return;
  any_text_ = true;
  std::string piece = std::exchange(unfinished_, "") + answer_.text;
  const std::size_t complete = utf8::CompletePrefix(piece);
  unfinished_ = piece.substr(complete);
  piece.resize(complete);
  replaced_bytes_ += utf8::Repair(piece);
  if (!piece.empty()) pieces.push_back(std::move(piece));
}

absl::StatusOr<Finish> AnswerGatherer::End(std::vector<std::string>& pieces) {
  if (answer_.finish_reason.empty()) {
    return ProtocolError(target_, "the answer ended without a finish reason");
  }
  if (!unfinished_.empty()) {
    replaced_bytes_ += utf8::Repair(unfinished_);
    pieces.push_back(std::move(unfinished_));
  }
  if (!any_text_) {
    const bool cut = answer_.finish_reason == "MAX_TOKENS";
    return ProtocolError(target_, cut ? "empty answer: the model used up max_tokens before its "
                                        "first word, by thinking perhaps"
                                      : "empty answer");
  }
  return Finish{.reason = answer_.finish_reason,
                .usage = answer_.usage,
                .model = Quotable(target_, answer_.model, kLongestModel)};
}

EventStreamParser::EventStreamParser(const config::Target& target,
                                     std::unique_ptr<FrameReader> reader, EndsWith ends_with)
    : target_(target), ends_with_(ends_with), gatherer_(target, std::move(reader)) {}

absl::Status EventStreamParser::Feed(std::string_view bytes, std::vector<std::string>& pieces) {
  if (done_) return absl::OkStatus();
  decoder_.Push(bytes);
  return Drain(pieces);
}

absl::StatusOr<Finish> EventStreamParser::End(std::vector<std::string>& pieces) {
  if (!done_) {
    decoder_.Close();
    absl::Status status = Drain(pieces);
    if (!status.ok()) return status;
    if (!stray_.empty()) return JudgeStrayLines();
    if (ends_with_ == EndsWith::kDone && !done_ && gatherer_.has_finish_reason()) {
      return ProtocolError(target_, "the answer ended without [DONE]");
    }
  }
  return gatherer_.End(pieces);
}

absl::Status EventStreamParser::Drain(std::vector<std::string>& pieces) {
  while (!done_) {
    const auto item = decoder_.Next();
    if (!item) break;
    absl::Status status = TakeItem(*item, pieces);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status EventStreamParser::TakeItem(const EventDecoder::Item& item,
                                         std::vector<std::string>& pieces) {
  switch (item.kind) {
    case EventDecoder::Item::Kind::kData:
      if (ends_with_ == EndsWith::kDone && item.text == "[DONE]") {
        done_ = true;
        return absl::OkStatus();
      }
      return gatherer_.Read(item.text, pieces);
    case EventDecoder::Item::Kind::kError:
      return ErrorOfObject(target_, item.text);
    case EventDecoder::Item::Kind::kStray:
      return TakeStrayLine(item.text);
    case EventDecoder::Item::Kind::kTooLong:
      break;
  }
  return ProtocolError(target_, "a line of the answer is too long");
}

absl::Status EventStreamParser::TakeStrayLine(std::string_view line) {
  const std::size_t start = line.find_first_not_of(" \t");
  if (start == std::string_view::npos) return absl::OkStatus();
  const char first = line[start];
  const bool begins = stray_.empty();
  if (begins && first != '{' && first != '[') {
    return ProtocolError(target_, "the answer is not an event stream", line);
  }
  stray_.append(line);
  stray_ += '\n';
  if (stray_.size() > kMostStray) return JudgeStrayLines();
  const bool may_be_whole = begins || first == '}' || first == ']';
  return may_be_whole && IsErrorObject(stray_) ? JudgeStrayLines() : absl::OkStatus();
}

absl::Status EventStreamParser::JudgeStrayLines() const {
  if (IsErrorObject(stray_)) return ErrorOfObject(target_, stray_);
  if (stray_[stray_.find_first_not_of(" \t")] == '[') {
    return ProtocolError(target_,
                         "the answer is a JSON array, not an event stream (was alt=sse "
                         "dropped on the way?)",
                         stray_);
  }
  return ProtocolError(target_, "the answer is not an event stream", stray_);
}

UnaryParser::UnaryParser(const config::Target& target, std::unique_ptr<FrameReader> reader)
    : target_(target), gatherer_(target, std::move(reader)) {}

absl::Status UnaryParser::Feed(std::string_view bytes, std::vector<std::string>&) {
  if (body_.size() + bytes.size() > EventDecoder::kLongest) {
    return ProtocolError(target_, "the answer is too long");
  }
  body_.append(bytes);
  return absl::OkStatus();
}

absl::StatusOr<Finish> UnaryParser::End(std::vector<std::string>& pieces) {
  absl::Status status = gatherer_.Read(body_, pieces);
  if (!status.ok()) return status;
  return gatherer_.End(pieces);
}

}  // namespace luna::llm
