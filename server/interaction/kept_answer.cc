#include "server/interaction/kept_answer.h"

#include <limits>
#include <string_view>
#include <utility>

#include "server/base/utf8.h"

namespace luna {
namespace {

// After so many a slow caller is waited for.
constexpr std::size_t kWordsTogetherBytes = 4 << 10;

bool InWords(const config::Cache& options) { return options.replay == "words"; }

}  // namespace

KeptAnswer::KeptAnswer(v1::Complete answer, const config::Cache& options)
    : answer_(std::move(answer)),
      piece_bytes_(InWords(options) ? kWordsTogetherBytes
                                    : std::numeric_limits<std::size_t>::max()) {}

boost::asio::awaitable<absl::StatusOr<llm::Token>> KeptAnswer::Next(net::TimePoint) {
  std::string_view rest = answer_.text();
  rest.remove_prefix(told_);
  if (!rest.empty()) {
    std::string piece(rest.substr(0, piece_bytes_));
    piece.resize(utf8::CompletePrefix(piece));
    told_ += piece.size();
    llm::Token token = llm::Pieces{std::move(piece)};
    co_return token;
  }
  auto finish = std::make_unique<llm::Finish>();
  finish->reason = answer_.finish_reason();
  finish->usage = answer_.usage();
  finish->model = answer_.model();
  finish->target = answer_.target();
  llm::Token token = std::move(finish);
  co_return token;
}

config::Stream KeptAnswer::Chunking(const config::Config& config) {
  config::Stream stream = config.stream;
  if (InWords(config.cache)) {
    stream.chunking = config::Stream::Chunking::kWord;
  } else {
    stream.chunking = config::Stream::Chunking::kRaw;
    stream.buffer = config::Buffer();
  }
  return stream;
}

}  // namespace luna
