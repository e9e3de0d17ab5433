#pragma once

#include <cstddef>

#include "luna/v1/interaction.pb.h"
#include "server/config/config.h"
#include "server/llm/model.h"

namespace luna {

// A cached answer, told as a model tells one, but that nothing is waited for.
class KeptAnswer final : public llm::TokenStream {
 public:
  KeptAnswer(v1::Complete answer, const config::Cache& options);

  boost::asio::awaitable<absl::StatusOr<llm::Token>> Next(net::TimePoint until) override;

  // How it is to be cut (chunker.h): into one chunk, or, with `replay: words`, as any other answer
  // that leaves in words.
  static config::Stream Chunking(const config::Config& config);

 private:
  v1::Complete answer_;
  const std::size_t piece_bytes_;
  std::size_t told_ = 0;
};

}  // namespace luna
