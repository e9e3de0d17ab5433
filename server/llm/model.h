#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/interaction.pb.h"
#include "server/config/config.h"
#include "server/net/event_loop.h"

// Language models, whatever their API.
namespace luna::llm {

struct Message {
  enum class Role { kUser, kModel };
  Role role = Role::kUser;
  std::string text;
};

// An answer that has to be a JSON object of two fields.
struct Choice {
  std::string key;                  // a string, one of these:
  std::vector<std::string> values;  // plain words, which need no escapes
  std::string number_key;           // a number
};

struct Prompt {
  std::string system;
  std::vector<Message> messages;   // oldest first; the last is the user's
  bool stream = true;              // false: one unary call, whose text comes as one piece
  std::optional<Choice> choice{};  // what the answer is restricted to
  // The target's where there is none.
  std::string model{};
  std::optional<double> temperature{};
  std::optional<double> top_p{};
  std::optional<int> max_tokens{};
  std::vector<std::string> stop{};  // texts before which the answer ends
  std::optional<int> seed{};
  bool fresh_connection = false;  // not one that was kept
};

// The name by which a prompt asks a target for its model.
inline const std::string& ModelOf(const config::Target& target, const Prompt& prompt) {
  return prompt.model.empty() ? target.model : prompt.model;
}

// Why an answer ended well: STOP or MAX_TOKENS. Every other end is an error status.
struct Finish {
  std::string reason;
  v1::Usage usage;
  std::string model;   // as the provider names it: one line of UTF-8, at most 1 KiB
  std::string target;  // which answered
};

struct Pause {};

// What has arrived of the text, in the pieces in which the model sent it: at least one, each
// well-formed UTF-8 and never empty.
using Pieces = std::vector<std::string>;

// Finish by its address, since several coroutines hold a token while they wait for the next one.
using Token = std::variant<Pause, Pieces, std::unique_ptr<Finish>>;

// An answer under way. Destroying it cancels the request. Loop thread only.
class TokenStream {
 public:
  virtual ~TokenStream() = default;

  // Gives the next token; Pause once `until` has passed without one, after which it may be called
  // again. Nothing may be called after Finish or an error. Errors carry a luna.v1.Error
  // (base/error.h): the UPSTREAM_ codes, CONTENT_BLOCKED and INPUT_TOO_LARGE.
  virtual boost::asio::awaitable<absl::StatusOr<Token>> Next(net::TimePoint until) = 0;

  // The name of the target that answers, once it has given Pieces; empty where only one was asked.
  virtual std::string target() const { return {}; }

  // Whether it failed since a kept connection had been closed meanwhile: a fresh one has not.
  virtual bool lost_kept_connection() const { return false; }

  // How many ill-formed bytes of the answer became U+FFFD so far.
  virtual std::size_t replaced_bytes() const { return 0; }
};

// A configured target. One object for each event loop.
class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  // Starts the request now.
  virtual std::unique_ptr<TokenStream> Generate(const Prompt& prompt) = 0;
};

}  // namespace luna::llm
