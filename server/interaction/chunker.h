#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/config.h"
#include "server/interaction/word_splitter.h"
#include "server/net/event_loop.h"

namespace luna {

// Decides in which pieces, and when, an answer leaves: word by word or as the model sent it, one by
// one or several at once. Told the time, never asks for it. The chunks joined are the text, to the
// byte.
class Chunker {
 public:
  explicit Chunker(const config::Stream& options);

  // Takes a piece of the answer and appends what may leave now to `chunks`.
  void Push(std::string text, net::TimePoint now, std::vector<std::string>& chunks);

  // When Release has something to do; kForever while nothing waits.
  net::TimePoint due() const;

  // Appends what has waited long enough at `now`.
  void Release(net::TimePoint now, std::vector<std::string>& chunks);

  // The answer has ended: appends all that is left.
  void Finish(std::vector<std::string>& chunks);

 private:
  void Buffer(net::TimePoint now, std::vector<std::string>& chunks);
  void SendBuffer(std::vector<std::string>& chunks);

  const config::Stream options_;
  std::optional<WordSplitter> splitter_;  // none for raw chunking
  std::vector<std::string> words_;        // split, not yet buffered
  std::string buffered_;
  int buffered_words_ = 0;
  net::TimePoint hold_until_ = net::kForever;
  net::TimePoint buffer_until_ = net::kForever;
};

}  // namespace luna
