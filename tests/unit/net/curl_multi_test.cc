#include "server/net/curl_multi.h"

#include <sys/epoll.h>

#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <gtest/gtest.h>

namespace luna::net {
namespace {

using asio::ip::tcp;

struct NobodyAsks final : TransferObserver {
  void OnDone(CURLcode) override {}
};

// One loop's turn takes all timers that are due, and the first of them ends it: for the sanitizers.
TEST(CurlMulti, MayGoWhileItsTimerIsDue) {
  asio::io_context context;
  const tcp::acceptor silent(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  const std::string url = "http://127.0.0.1:" + std::to_string(silent.local_endpoint().port());
  auto multi = std::make_unique<CurlMulti>(context, epoll_create1(0));
  NobodyAsks observer;
  CURL* easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 5L);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, static_cast<TransferObserver*>(&observer));
  asio::steady_timer first(context, Clock::now());
  first.async_wait([&](const boost::system::error_code&) { multi.reset(); });
  multi->Add(easy);
  for (const auto due = Clock::now() + std::chrono::milliseconds(10); Clock::now() < due;) {
  }
  context.run();
  curl_easy_cleanup(easy);
}

}  // namespace
}  // namespace luna::net
