#include "server/interaction/admission.h"

#include <absl/strings/str_cat.h>

#include "server/base/error.h"

namespace luna {
namespace {

constexpr std::chrono::seconds kTryAgainAfter{1};

}  // namespace

absl::Status Admission::Stopping() {
  return MakeError(ErrorCode::kShuttingDown, "the server is stopping", kTryAgainAfter);
}

absl::StatusOr<Admission::Place> Admission::Enter() {
  const std::lock_guard lock(mutex_);
  if (closed_) return Stopping();
  if (inside_ >= most_) {
    return MakeError(ErrorCode::kOverloaded,
                     absl::StrCat("all ", most_, " streams are taken (server.max_streams)"),
                     kTryAgainAfter);
  }
  ++inside_;
  return Place(this);
}

void Admission::Leave() {
  const std::lock_guard lock(mutex_);
  if (--inside_ == 0) left_.notify_all();
}

void Admission::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

bool Admission::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

bool Admission::WaitUntilEmpty(net::TimePoint until) {
  std::unique_lock lock(mutex_);
  return left_.wait_until(lock, until, [this] { return inside_ == 0; });
}

}  // namespace luna
