#include "server/net/curl_multi.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <memory>

#include <gtest/gtest.h>

namespace luna::net {
namespace {

TEST(CurlMulti, MayGoWhileItsSocketsAreReady) {
  asio::io_context context;
  const int epoll = epoll_create1(0);
  auto multi = std::make_unique<CurlMulti>(context, epoll);
  int end[2];
  int socket[2];
  ASSERT_EQ(pipe(end), 0);
  ASSERT_EQ(pipe(socket), 0);
  asio::posix::stream_descriptor waiting(context, end[0]);
  waiting.async_wait(asio::posix::stream_descriptor::wait_read,
                     [&](const boost::system::error_code&) { multi.reset(); });
  ASSERT_EQ(write(end[1], "", 1), 1);
  epoll_event event{};
  event.events = EPOLLIN;
  ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, socket[0], &event), 0);
  ASSERT_EQ(write(socket[1], "", 1), 1);
  context.run();  // takes both events at once, that which ends it first
  for (const int descriptor : {end[1], socket[0], socket[1]}) close(descriptor);
}

}  // namespace
}  // namespace luna::net
