#include "server/net/task_group.h"

#include <exception>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

namespace luna::net {

namespace {

asio::awaitable<void> UnlessCancelled(asio::awaitable<void> work) {
  try {
    co_await std::move(work);
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) throw;
  }
}

}  // namespace

void TaskGroup::Spawn(const asio::any_io_executor& executor, std::string key,
                      asio::awaitable<void> work) {
  const auto task = std::make_shared<Task>();
  task->executor = executor;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || tasks_.size() >= most_ || !tasks_.emplace(key, task).second) return;
  }
  asio::co_spawn(executor, UnlessCancelled(std::move(work)),
                 asio::bind_cancellation_slot(task->cancel.slot(),
                                              [this, key = std::move(key)](std::exception_ptr bug) {
                                                if (bug) std::rethrow_exception(bug);
                                                const std::lock_guard lock(mutex_);
                                                tasks_.erase(key);
                                                ended_.notify_all();
                                              }));
}

void TaskGroup::Stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  for (const auto& [key, task] : tasks_) {
    asio::post(task->executor,
               [task = task] { task->cancel.emit(asio::cancellation_type::terminal); });
  }
  ended_.wait(lock, [&] { return tasks_.empty(); });
}

}  // namespace luna::net
