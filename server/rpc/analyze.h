#pragma once

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/emotion.pb.h"
#include "server/emotion/classifier.h"

namespace luna::rpc {

// EmotionService.Analyze. `emotion` is nullptr where there is no engine: EMOTION_UNAVAILABLE.
boost::asio::awaitable<absl::StatusOr<v1::AnalyzeResponse>> Analyze(v1::AnalyzeRequest request,
                                                                    EmotionClassifier* emotion);

}  // namespace luna::rpc
