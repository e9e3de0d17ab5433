#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <google/protobuf/util/time_util.h>

#include "server/interaction/checks.h"
#include "server/interaction/input_translation.h"
#include "server/interaction/interaction.h"
#include "server/interaction/progress.h"

namespace luna {

// One request on its way through the story.
struct Interaction::Turn {
  const v1::InteractRequest request;
  EventSink& sink;
  const Caller& caller;
  const bool stream;
  Progress progress{};
  std::string text{};                             // the answer so far
  std::string emotion{};                          // what the person feels, where it is known
  bool emotion_over = false;                      // it has been told, or there is none
  std::optional<InputTranslation> translation{};  // where there is to be one
  std::string key{};    // what the answer is cached under; empty: the cache is left alone
  bool cached = false;  // the answer comes from it
  bool whole = false;   // `complete` has been told

  bool Remembers() const { return !request.features().has_memory() || request.features().memory(); }
  bool Caches() const { return !request.features().has_cache() || request.features().cache(); }
  std::string User() const { return OrDefault(request.user_id()); }
  std::string Session() const { return OrDefault(request.session_id()); }

  void Put(v1::InteractResponse& event) { Put(event, Now()); }
  void Put(v1::InteractResponse& event, const google::protobuf::Timestamp& time_of_day) {
    event.set_sequence(++progress.events);
    *event.mutable_created_at() = time_of_day;
    sink.Put(event);
  }
  // To be called once the emotion is over, and again once the translation is, which leaves when
  // both are, but never behind `complete`: a cached answer may not have waited for it.
  void PutTranslation() {
    if (!emotion_over || whole || !translation || translation->text().empty()) return;
    v1::InteractResponse event;
    event.mutable_translation()->set_text(translation->text());
    event.mutable_translation()->set_source_language("ko");
    event.mutable_translation()->set_target_language("en");
    Put(event);
    sink.Flush();
  }

  static google::protobuf::Timestamp Now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(
        std::chrono::floor<std::chrono::microseconds>(now).count());
  }
};

}  // namespace luna
