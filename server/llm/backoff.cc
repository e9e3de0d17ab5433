#include "server/llm/backoff.h"

#include <algorithm>
#include <random>

namespace luna::llm {

using std::chrono::milliseconds;

milliseconds Backoff(const config::Retries& options, int retry) {
  thread_local std::minstd_rand random{std::random_device{}()};
  const milliseconds doubled = options.first * (1LL << std::min(retry, 20));
  const milliseconds most = std::min(doubled, options.longest);
  std::uniform_int_distribution<milliseconds::rep> spread(most.count() / 2, most.count());
  return milliseconds(spread(random));
}

}  // namespace luna::llm
