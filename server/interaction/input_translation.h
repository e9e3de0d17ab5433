#pragma once

#include <optional>
#include <string>
#include <utility>

#include <absl/status/status.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/interaction.pb.h"
#include "server/llm/model.h"
#include "server/net/event_loop.h"
#include "server/translation/engine.h"

namespace luna {

// What the person said in English, which is on its way while the story goes on. Loop thread only.
class InputTranslation {
 public:
  // `translator` must outlive this.
  InputTranslation(const boost::asio::any_io_executor& executor, Translator& translator)
      : translator_(translator), over_signal_(executor) {}

  // Asks the translator, once; resumes when it is over, with what came of it.
  boost::asio::awaitable<absl::Status> Make(std::string korean);

  // Resumes when it is over, or when `until` has passed. One waiter at a time. Cancelled by the
  // coroutine's cancellation slot, which throws.
  boost::asio::awaitable<absl::Status> Wait(net::TimePoint until);

  // Empty where there is none, or not yet.
  const std::string& text() const { return text_; }

 private:
  Translator& translator_;
  net::Signal over_signal_;
  bool over_ = false;
  std::string text_;
};

// Who translates a request that `target` is to answer; nullptr where nobody does, it does not want
// it, or there is no Hangul in it.
Translator* TranslatorFor(const Translators& translators, const config::Target& target,
                          const v1::InteractRequest& request);

// The first of an answer, which waits until the translation, if there is to be one, is over or
// `until` has passed.
boost::asio::awaitable<absl::StatusOr<llm::Token>> FirstToken(
    llm::TokenStream& tokens, std::optional<InputTranslation>& translation, net::TimePoint until);

}  // namespace luna
