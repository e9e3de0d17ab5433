#pragma once

#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "server/config/config.h"
#include "server/interaction/chunker.h"
#include "server/llm/model.h"

namespace luna {

// A model's answer in the chunks in which it leaves, and all of it. Loop thread only.
class AnswerWords {
 public:
  // `tokens` must outlive this. `language`: of the message of an answer that is too long.
  AnswerWords(const config::Stream& options, std::string language, llm::TokenStream& tokens);

  // Waits for what may leave next, which is appended to `chunks`; then tells how the answer ended,
  // or nothing while it goes on. Errors are those of TokenStream::Next, and ANSWER_TOO_LONG; what
  // had arrived before is in `chunks` then, too.
  boost::asio::awaitable<absl::StatusOr<std::optional<llm::Finish>>> Next(
      std::vector<std::string>& chunks);

  // What has arrived so far.
  const std::string& text() const { return text_; }

 private:
  absl::Status Take(const llm::Pieces& pieces, std::vector<std::string>& chunks);

  const std::string language_;
  llm::TokenStream& tokens_;
  Chunker chunker_;
  std::string text_;
};

}  // namespace luna
