#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/interaction.pb.h"
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
  std::vector<Message> messages;        // oldest first; the last is the user's
  bool stream = true;                   // false: one unary call, whose text comes as one piece
  std::optional<Choice> choice{};       // what the answer is restricted to
  std::optional<double> temperature{};  // else the target's
};

// Why an answer ended well: STOP or MAX_TOKENS. Every other end is an error status.
struct Finish {
  std::string reason;
  v1::Usage usage;
  std::string model;   // as the provider names it
  std::string target;  // which answered
  int replaced = 0;    // ill-formed sequences that became U+FFFD
};

struct Pause {};

// A piece of text as the model sent it (well-formed UTF-8, never empty), or the end, or a pause.
using Token = std::variant<Pause, std::string, Finish>;

// An answer under way. Destroying it cancels the request. Loop thread only.
class TokenStream {
 public:
  virtual ~TokenStream() = default;

  // Gives the next token; Pause once `until` has passed without one, after which it may be called
  // again. Nothing may be called after Finish or an error. Errors carry a luna.v1.Error
  // (base/error.h): the UPSTREAM_ codes, CONTENT_BLOCKED and INPUT_TOO_LARGE.
  virtual boost::asio::awaitable<absl::StatusOr<Token>> Next(net::TimePoint until) = 0;
};

// A configured target. One object for each event loop.
class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  // Starts the request now.
  virtual std::unique_ptr<TokenStream> Generate(Prompt prompt) = 0;
};

}  // namespace luna::llm
