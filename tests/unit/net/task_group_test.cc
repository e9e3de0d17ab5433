#include "server/net/task_group.h"

#include <future>

#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

namespace luna::net {
namespace {

class TaskGroupTest : public testing::Test {
 protected:
  void SetUp() override { loop_.Start(); }
  void TearDown() override {
    tasks_.Stop();
    loop_.Join();
  }

  asio::awaitable<void> Forever(std::promise<void>& begun, std::promise<void>& ended) {
    struct Ended {
      std::promise<void>& promise;
      ~Ended() { promise.set_value(); }
    } at_end{ended};
    begun.set_value();
    Signal never(loop_.context());
    co_await never.Wait(kForever);
  }

  asio::awaitable<void> Once(std::promise<void>& done) {
    done.set_value();
    co_return;
  }

  EventLoop loop_;
  TaskGroup tasks_{2};
};

TEST_F(TaskGroupTest, StopCancelsWhatRunsAndWaitsForIt) {
  std::promise<void> begun;
  std::promise<void> ended;
  tasks_.Spawn(loop_.context().get_executor(), "a", Forever(begun, ended));
  begun.get_future().wait();
  tasks_.Stop();
  EXPECT_EQ(ended.get_future().wait_for(std::chrono::seconds(0)), std::future_status::ready);
}

TEST_F(TaskGroupTest, OfOneKeyOneRunsAtATime) {
  std::promise<void> begun;
  std::promise<void> ended;
  std::promise<void> same_key;
  std::promise<void> other_key;
  const auto executor = loop_.context().get_executor();
  tasks_.Spawn(executor, "a", Forever(begun, ended));
  begun.get_future().wait();
  tasks_.Spawn(executor, "a", Once(same_key));
  tasks_.Spawn(executor, "b", Once(other_key));
  other_key.get_future().wait();
  tasks_.Stop();
  EXPECT_NE(same_key.get_future().wait_for(std::chrono::seconds(0)), std::future_status::ready);
}

TEST_F(TaskGroupTest, SoManyRunAtOnce) {
  std::promise<void> begun[2];
  std::promise<void> ended[2];
  std::promise<void> third;
  const auto executor = loop_.context().get_executor();
  tasks_.Spawn(executor, "a", Forever(begun[0], ended[0]));
  tasks_.Spawn(executor, "b", Forever(begun[1], ended[1]));
  tasks_.Spawn(executor, "c", Once(third));
  for (auto& one : begun) one.get_future().wait();
  tasks_.Stop();
  EXPECT_NE(third.get_future().wait_for(std::chrono::seconds(0)), std::future_status::ready);
}

TEST_F(TaskGroupTest, NothingBeginsAfterStop) {
  tasks_.Stop();
  std::promise<void> done;
  tasks_.Spawn(loop_.context().get_executor(), "a", Once(done));
  loop_.Join();
  EXPECT_NE(done.get_future().wait_for(std::chrono::seconds(0)), std::future_status::ready);
}

}  // namespace
}  // namespace luna::net
