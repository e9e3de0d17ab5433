#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

#include <absl/status/statusor.h>

#include "server/net/event_loop.h"

namespace luna {

// Who may come in: so many requests at once over all event loops and both transports, and none any
// more once the server is stopping. From any thread.
class Admission {
 public:
  // A place among those at work; given back by its destruction.
  class Place {
   public:
    explicit Place(Admission* admission) : admission_(admission) {}
    Place(Place&& other) noexcept : admission_(std::exchange(other.admission_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (admission_ != nullptr) admission_->Leave();
    }

   private:
    Admission* admission_;
  };

  explicit Admission(int most) : most_(most) {}

  // OVERLOADED, or SHUTTING_DOWN after Close.
  absl::StatusOr<Place> Enter();

  // What a request gets that is not let in, or ended, since the server is stopping: SHUTTING_DOWN.
  static absl::Status Stopping();

  // Lets nobody in from now on.
  void Close();
  bool closed() const;

  // Waits until all have left, or until `until`: then false.
  bool WaitUntilEmpty(net::TimePoint until);

 private:
  void Leave();

  const int most_;
  mutable std::mutex mutex_;
  std::condition_variable left_;
  int inside_ = 0;
  bool closed_ = false;
};

}  // namespace luna
