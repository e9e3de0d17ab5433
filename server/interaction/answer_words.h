#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

#include "server/config/config.h"
#include "server/interaction/chunker.h"
#include "server/llm/model.h"

namespace luna {

// Makes the chunks of an answer out of what a model says. No I/O.
class AnswerWords {
 public:
  // What arrives is appended to `text`, which must outlive this. `language`: of the message of an
  // answer that is too long.
  AnswerWords(const config::Stream& options, std::string language, std::string& text)
      : language_(std::move(language)), text_(text), chunker_(options) {}

  // Until when to wait for a token before Take is given a Pause.
  net::TimePoint due() const { return chunker_.due(); }

  // Takes what TokenStream::Next gave, and appends to `chunks` what may leave now. Tells how the
  // answer ended, or nothing while it goes on. Errors are the token's, and ANSWER_TOO_LONG; what
  // had arrived before is in `chunks` then, too.
  absl::StatusOr<std::unique_ptr<llm::Finish>> Take(absl::StatusOr<llm::Token> token,
                                                    std::vector<std::string>& chunks);

 private:
  absl::Status TakePieces(const llm::Pieces& pieces, std::vector<std::string>& chunks);

  const std::string language_;
  std::string& text_;
  Chunker chunker_;
};

// The same failure of what `target` was asked, as a person reads it, in `language`.
absl::Status AnswerFailed(const absl::Status& status, const std::string& language,
                          const config::Target& target, bool stream);

}  // namespace luna
