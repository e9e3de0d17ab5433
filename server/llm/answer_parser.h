#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/config.h"
#include "server/llm/event_decoder.h"
#include "server/llm/frame_reader.h"
#include "server/llm/stream_parser.h"

namespace luna::llm {

// Gathers an answer document by document, and judges its end: an answer needs a finish reason and
// at least one byte of text. Keeps a code point that two documents share together.
class AnswerGatherer {
 public:
  // `target` must outlive this.
  AnswerGatherer(const config::Target& target, std::unique_ptr<FrameReader> reader);

  absl::Status Read(std::string_view json, std::vector<std::string>& pieces);
  absl::StatusOr<Finish> End(std::vector<std::string>& pieces);

  bool has_finish_reason() const { return !answer_.finish_reason.empty(); }
  std::size_t replaced_bytes() const { return replaced_bytes_; }

 private:
  void TakeText(std::vector<std::string>& pieces);

  const config::Target& target_;
  const std::unique_ptr<FrameReader> reader_;
  Answer answer_;
  std::size_t replaced_bytes_ = 0;
  std::string unfinished_;  // the beginning of a code point
  bool any_text_ = false;
};

// A streamed answer: an event for each document, and errors in whatever shape between them.
class EventStreamParser final : public StreamParser {
 public:
  // How a complete stream ends: with an event `[DONE]`, or (Gemini) with its body.
  enum class EndsWith { kDone, kBody };

  // `target` must outlive this.
  EventStreamParser(const config::Target& target, std::unique_ptr<FrameReader> reader,
                    EndsWith ends_with);

  absl::Status Feed(std::string_view bytes, std::vector<std::string>& pieces) override;
  bool done() const override { return done_; }
  absl::StatusOr<Finish> End(std::vector<std::string>& pieces) override;
  std::size_t replaced_bytes() const override { return gatherer_.replaced_bytes(); }

 private:
  absl::Status Drain(std::vector<std::string>& pieces);
  absl::Status TakeItem(const EventDecoder::Item& item, std::vector<std::string>& pieces);
  absl::Status TakeStrayLine(std::string_view line);
  absl::Status JudgeStrayLines() const;

  const config::Target& target_;
  const EndsWith ends_with_;
  EventDecoder decoder_;
  AnswerGatherer gatherer_;
  std::string stray_;  // JSON that is no event, so far
  bool done_ = false;
};

// A unary answer: one document, whose text is the last (and only) piece.
class UnaryParser final : public StreamParser {
 public:
  // `target` must outlive this.
  UnaryParser(const config::Target& target, std::unique_ptr<FrameReader> reader);

  absl::Status Feed(std::string_view bytes, std::vector<std::string>& pieces) override;
  bool done() const override { return false; }
  absl::StatusOr<Finish> End(std::vector<std::string>& pieces) override;
  std::size_t replaced_bytes() const override { return gatherer_.replaced_bytes(); }

 private:
  const config::Target& target_;
  AnswerGatherer gatherer_;
  std::string body_;
};

}  // namespace luna::llm
