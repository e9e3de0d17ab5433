#include "server/interaction/input_translation.h"

#include <tuple>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "server/base/guard.h"
#include "server/base/hangul.h"

namespace luna {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;

asio::awaitable<absl::Status> InputTranslation::Make(std::string korean) {
  Passage passage{std::move(korean), "ko", "en"};
  absl::StatusOr<std::string> made = co_await Guard(translator_.Translate(std::move(passage)));
  // Nobody is told that it is over: who waits is being cancelled, too.
  if (absl::IsCancelled(made.status())) co_return made.status();
  if (made.ok()) text_ = *std::move(made);
  over_ = true;
  over_signal_.Notify();
  co_return made.status();
}

asio::awaitable<absl::Status> InputTranslation::Wait(net::TimePoint until) {
  while (!over_ && net::Clock::now() < until) (void)co_await over_signal_.Wait(until);
  co_return absl::OkStatus();
}

Translator* TranslatorFor(const Translators& translators, const config::Target& target,
                          const v1::InteractRequest& request) {
  const v1::Features& features = request.features();
  const bool wanted = !features.has_translation() || features.translation();
  if (!wanted || !HasHangul(request.input())) return nullptr;
  return TranslatorOf(translators, target.name);
}

asio::awaitable<absl::StatusOr<llm::Token>> FirstToken(llm::TokenStream& tokens,
                                                       std::optional<InputTranslation>& translation,
                                                       net::TimePoint until) {
  if (!translation) co_return co_await tokens.Next(net::kForever);
  asio::awaitable<absl::StatusOr<llm::Token>> next = Guard(tokens.Next(net::kForever));
  asio::awaitable<absl::Status> wait = Guard(translation->Wait(until));
  std::tuple<absl::StatusOr<llm::Token>, absl::Status> both =
      co_await (std::move(next) && std::move(wait));
  co_return std::get<absl::StatusOr<llm::Token>>(std::move(both));
}

}  // namespace luna
