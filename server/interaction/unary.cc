#include "server/interaction/unary.h"

#include <utility>

namespace luna {

v1::InteractRequest AsInteractRequest(v1::AnswerRequest request) {
  v1::InteractRequest result;
  result.set_input(std::move(*request.mutable_input()));
  result.set_user_id(std::move(*request.mutable_user_id()));
  result.set_session_id(std::move(*request.mutable_session_id()));
  result.set_target(std::move(*request.mutable_target()));
  *result.mutable_features() = std::move(*request.mutable_features());
  result.set_language(std::move(*request.mutable_language()));
  return result;
}

void AnswerSink::Put(const v1::InteractResponse& event) {
  switch (event.event_case()) {
    case v1::InteractResponse::kEmotion:
      answer.set_emotion(event.emotion().emotion());
      answer.set_confidence(event.emotion().confidence());
      break;
    case v1::InteractResponse::kTranslation:
      answer.set_translation(event.translation().text());
      break;
    case v1::InteractResponse::kComplete:
      answer.set_text(event.complete().text());
      answer.set_cached(event.complete().cached());
      answer.set_remembered(event.complete().remembered());
      answer.set_model(event.complete().model());
      *answer.mutable_usage() = event.complete().usage();
      break;
    default:
      break;
  }
}

}  // namespace luna
