#pragma once

#include <string>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/interaction.pb.h"

namespace luna {

// Says what the person feels who said something. One object for each event loop, loop thread only.
class EmotionClassifier {
 public:
  virtual ~EmotionClassifier() = default;

  // Resumes with one label, the best, its confidence, and up to five of the best; `neutral` where
  // nothing was understood. An error where there is no engine that could say so. `text` is
  // well-formed UTF-8. Cancelled by the coroutine's cancellation slot.
  virtual boost::asio::awaitable<absl::StatusOr<v1::Emotion>> Classify(std::string text) = 0;
};

}  // namespace luna
