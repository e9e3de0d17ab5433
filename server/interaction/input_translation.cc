#include "server/interaction/input_translation.h"

#include "server/base/guard.h"

namespace luna {

namespace asio = boost::asio;

asio::awaitable<absl::Status> InputTranslation::Make(std::string korean) {
  Passage passage{std::move(korean), "ko", "en"};
  absl::StatusOr<std::string> made = co_await Guard(translator_.Translate(std::move(passage)));
  over_ = true;
  over_signal_.Notify();
  if (made.ok()) text_ = *std::move(made);
  co_return made.status();
}

asio::awaitable<absl::Status> InputTranslation::Wait(net::TimePoint until) {
  while (!over_ && net::Clock::now() < until) (void)co_await over_signal_.Wait(until);
  co_return absl::OkStatus();
}

}  // namespace luna
