#include "server/interaction/answer_words.h"

#include <utility>
#include <variant>

#include "server/base/error.h"
#include "server/interaction/interaction.h"
#include "server/interaction/messages.h"

namespace luna {

using net::Clock;

AnswerWords::AnswerWords(const config::Stream& options, std::string language,
                         llm::TokenStream& tokens)
    : language_(std::move(language)), tokens_(tokens), chunker_(options) {}

boost::asio::awaitable<absl::StatusOr<std::optional<llm::Finish>>> AnswerWords::Next(
    std::vector<std::string>& chunks) {
  absl::StatusOr<llm::Token> token = co_await tokens_.Next(chunker_.due());
  absl::Status status = token.status();
  std::optional<llm::Finish> finish;
  if (!token.ok()) {
    chunker_.Finish(chunks);
  } else if (const auto* pieces = std::get_if<llm::Pieces>(&*token)) {
    status = Take(*pieces, chunks);
  } else if (auto* end = std::get_if<llm::Finish>(&*token)) {
    chunker_.Finish(chunks);
    finish = std::move(*end);
  } else {
    chunker_.Release(Clock::now(), chunks);
  }
  if (!status.ok()) co_return status;
  co_return finish;
}

absl::Status AnswerWords::Take(const llm::Pieces& pieces, std::vector<std::string>& chunks) {
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

}  // namespace luna
