#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/interaction.pb.h"

namespace luna {

// Says what the person feels who said something. One object for each event loop, loop thread only.
class EmotionClassifier {
 public:
  virtual ~EmotionClassifier() = default;

  // Resumes with an emotion for each text, in their order: one label, the best, its confidence, and
  // up to five of the best; `neutral` where nothing was understood. An error where there is no
  // engine that could say so. The texts are well-formed UTF-8; between two of them the loop does
  // what else is due. Cancelled by the coroutine's cancellation slot.
  virtual boost::asio::awaitable<absl::StatusOr<std::vector<v1::Emotion>>> Classify(
      std::vector<std::string> texts) = 0;
};

}  // namespace luna
