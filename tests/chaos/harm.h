#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace luna::chaos {

enum class Harm { kNone, kDelay, kCut, kCorrupt, kThrottle, kReset };
inline constexpr std::array<const char*, 6> kHarmNames{"none",    "delay",    "cut",
                                                       "corrupt", "throttle", "reset"};

// What is to be done with a response, one after another.
struct Step {
  enum class End { kNo, kClose, kReset };
  std::chrono::milliseconds pause{0};  // before the bytes
  std::string bytes;
  End end = End::kNo;  // after them: nothing of the response follows
};

// One HTTP response on its way through the proxy, harmed once, in the middle of its body. No I/O.
//
// The harm that is corruption hits only a byte that some protocol can miss: JSON's braces,
// brackets, colons and quotes, the line ends of HTTP and of the event stream, a digit of a chunk's
// size. Each becomes a byte that may not stand there. A byte of the text itself could change
// without anybody being able to tell, which nothing but TLS protects against.
class Response {
 public:
  // `at`: after how many bytes of the body.
  Response(Harm harm, std::size_t at) : harm_(harm), at_(at) {}

  // With the chance `share` one of the harms, each as likely, after 1 to `span` bytes of the body.
  static Response Draw(std::mt19937_64& random, double share, std::size_t span);

  std::vector<Step> Take(std::string_view bytes);

  bool begun() const { return begun_; }
  // What was done; kNone while nothing was.
  Harm done() const { return done_; }

 private:
  void TakeBody(std::string_view bytes, std::vector<Step>& steps);
  void Hurt(std::string_view bytes, std::vector<Step>& steps);
  void Corrupt(std::string_view bytes, std::vector<Step>& steps);

  const Harm harm_;
  std::size_t at_;
  bool begun_ = false;
  std::string head_;
  bool in_body_ = false;
  std::size_t body_ = 0;
  std::size_t to_throttle_ = 0;
  Harm done_ = Harm::kNone;
};

}  // namespace luna::chaos
