#include "server/interaction/answer_words.h"

#include <variant>

#include "server/base/error.h"
#include "server/interaction/interaction.h"
#include "server/interaction/messages.h"

namespace luna {

using net::Clock;

absl::StatusOr<std::unique_ptr<llm::Finish>> AnswerWords::Take(absl::StatusOr<llm::Token> token,
                                                               std::vector<std::string>& chunks) {
  absl::Status status = token.status();
  std::unique_ptr<llm::Finish> finish;
  if (!token.ok()) {
    chunker_.Finish(chunks);
  } else if (const auto* pieces = std::get_if<llm::Pieces>(&*token)) {
    status = TakePieces(*pieces, chunks);
  } else if (auto* end = std::get_if<std::unique_ptr<llm::Finish>>(&*token)) {
    chunker_.Finish(chunks);
    finish = std::move(*end);
  } else {
    chunker_.Release(Clock::now(), chunks);
  }
  if (!status.ok()) return status;
  return finish;
}

absl::Status AnswerWords::TakePieces(const llm::Pieces& pieces, std::vector<std::string>& chunks) {
  const net::TimePoint now = Clock::now();
  for (const std::string& piece : pieces) {
    if (text_.size() + piece.size() > Interaction::kMostAnswerBytes) {
      chunker_.Finish(chunks);
      return MakeError(ErrorCode::kAnswerTooLong,
                       messages::AnswerTooLong(language_, Interaction::kMostAnswerBytes));
    }
    text_ += piece;
    chunker_.Push(piece, now, chunks);
  }
  return absl::OkStatus();
}

absl::Status AnswerFailed(const absl::Status& status, const std::string& language,
                          const config::Target& target, bool stream) {
  const v1::Error error = ErrorOf(status);
  const auto in_words = [&](const std::string& detail) {
    return messages::ModelFailed(language, target, stream, error.code(), detail);
  };
  return WithMessage(status, in_words(error.message()), in_words(OwnWords(status)));
}

}  // namespace luna
