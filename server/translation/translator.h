#pragma once

#include <string>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

namespace luna {

// What is to be translated. Languages are tags as CanonicalLanguage (languages.h) gives them.
struct Passage {
  std::string text;  // well-formed UTF-8
  std::string from;  // empty: the engine finds out
  std::string to;
};

// Translates. One object for each event loop, loop thread only.
class Translator {
 public:
  virtual ~Translator() = default;

  // Resumes with the translation, which is never empty, or with an error that carries a
  // luna.v1.Error (base/error.h), one of the UPSTREAM_ codes; UPSTREAM_TIMEOUT after
  // `translation.deadline_ms`. Cancelled by the coroutine's cancellation slot, which stops the
  // request upstream.
  virtual boost::asio::awaitable<absl::StatusOr<std::string>> Translate(Passage passage) = 0;
};

}  // namespace luna
