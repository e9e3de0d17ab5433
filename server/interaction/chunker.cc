#include "server/interaction/chunker.h"

#include <algorithm>
#include <utility>

namespace luna {

using net::kForever;
using net::TimePoint;

Chunker::Chunker(const config::Stream& options) : options_(options) {
  if (options_.chunking == config::Stream::Chunking::kWord) splitter_.emplace();
}

void Chunker::Push(std::string text, TimePoint now, std::vector<std::string>& chunks) {
  if (splitter_) {
    splitter_->Push(text, words_);
    if (!splitter_->holding()) {
      hold_until_ = kForever;
    } else if (!words_.empty() || hold_until_ == kForever) {
      hold_until_ = now + options_.word_hold;
    }
  } else {
    words_.push_back(std::move(text));
  }
  Buffer(now, chunks);
}

TimePoint Chunker::due() const { return std::min(hold_until_, buffer_until_); }

void Chunker::Release(TimePoint now, std::vector<std::string>& chunks) {
  if (hold_until_ <= now) {
    hold_until_ = kForever;
    splitter_->Release(words_);
    Buffer(now, chunks);
  }
  if (buffer_until_ <= now) SendBuffer(chunks);
}

void Chunker::Finish(std::vector<std::string>& chunks) {
  if (splitter_) splitter_->Finish(words_);
  hold_until_ = kForever;
  Buffer(TimePoint::min(), chunks);
  SendBuffer(chunks);
}

void Chunker::Buffer(TimePoint now, std::vector<std::string>& chunks) {
  if (options_.buffer.words <= 1) {
    for (std::string& word : words_) chunks.push_back(std::move(word));
  } else {
    const bool no_limit = options_.buffer.wait.count() == 0;
    for (const std::string& word : words_) {
      if (buffered_.empty()) buffer_until_ = no_limit ? kForever : now + options_.buffer.wait;
      buffered_ += word;
      if (++buffered_words_ >= options_.buffer.words) SendBuffer(chunks);
    }
  }
  words_.clear();
}

void Chunker::SendBuffer(std::vector<std::string>& chunks) {
  buffer_until_ = kForever;
  buffered_words_ = 0;
  if (!buffered_.empty()) chunks.push_back(std::exchange(buffered_, {}));
}

}  // namespace luna
