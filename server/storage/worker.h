#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include "server/net/event_loop.h"
#include "server/storage/connection.h"

namespace luna::storage {

// A thread with a connection of its own, so that no event loop waits for the disk.
//
// A writer puts what waits into one transaction: under load many share one commit, and its fsync,
// and it waits a little for more of them. What fails is rolled back by itself. A reader does one
// thing after the other, each on one state of the database. What nobody waits for any more is not
// begun, and ended where it reads, unless it is to be done late.
class Worker {
 public:
  enum class Kind { kReader, kWriter };

  // Called, outside of a transaction, at once where somebody waits for it, and some seconds after
  // other work, while a writer has nothing else to do. It says after how long it wants to be called
  // again; nothing where it has no more to do.
  using Idle = std::function<std::optional<std::chrono::milliseconds>(Connection&)>;

  template <class Work>
  using Then = std::function<void(const std::invoke_result_t<Work, Connection&>*)>;

  // Throws SQLite::Exception. `on_damage` is called, on the thread, when the file is found damaged.
  Worker(const std::string& file, Kind kind, std::function<void()> on_damage = nullptr,
         Idle idle = nullptr);
  // Does what was asked for before it ends.
  ~Worker();

  // Runs `work(connection)` on the thread and resumes, on the coroutine's executor, with what it
  // returned, once that is committed. DEADLINE_EXCEEDED where it has not been by `until`: it may
  // still be done later. STORAGE_UNAVAILABLE where SQLite fails. The coroutine's cancellation ends
  // the waiting, not the work. `then` is called before, on the worker's thread, in the order in
  // which things were done, with what `work` returned, or nullptr where it failed; not at all where
  // it was not begun.
  template <class Work, class Result = std::invoke_result_t<Work, Connection&>>
  boost::asio::awaitable<absl::StatusOr<Result>> Do(net::TimePoint until, Work work,
                                                    Then<Work> then = nullptr) {
    return Await<Work, Result>(until, std::move(work), std::move(then), Task());
  }

  // The same, but it is begun even if nobody waits for it any more, unless very much waited already
  // when it was asked for.
  template <class Work, class Result = std::invoke_result_t<Work, Connection&>>
  boost::asio::awaitable<absl::StatusOr<Result>> DoEvenLate(net::TimePoint until, Work work,
                                                            Then<Work> then = nullptr) {
    Task task;
    task.even_late = true;
    return Await<Work, Result>(until, std::move(work), std::move(then), std::move(task));
  }

  // Runs `work(connection)` on the thread, and nobody waits for it: where it fails the log tells.
  void Post(std::function<void(Connection&)> work);

  // The same as Do, but resumes only once `idle` has had no more to do since.
  template <class Work, class Result = std::invoke_result_t<Work, Connection&>>
  boost::asio::awaitable<absl::StatusOr<Result>> DoAndSettle(net::TimePoint until, Work work) {
    Task task;
    task.settle = true;
    return Await<Work, Result>(until, std::move(work), nullptr, std::move(task));
  }

 private:
  struct Task {
    std::function<void(Connection&)> work;
    std::function<void(absl::Status)> done;
    std::shared_ptr<const std::atomic<bool>> abandoned;
    bool settle = false;
    bool even_late = false;
  };

  // So many tasks, and none more is done late, and those that were given up go, so that a disk that
  // hangs does not fill the memory.
  static constexpr std::size_t kMostWaiting = 1000;

  template <class Work, class Result>
  boost::asio::awaitable<absl::StatusOr<Result>> Await(net::TimePoint until, Work work,
                                                       Then<Work> then, Task task);

  static bool GivenUp(const Task& task);
  void Push(Task task);
  std::vector<Task> Wait();
  bool Stopping();
  void Run();
  void DoOne(Task& task);
  void DoTogether(std::vector<Task>& tasks);
  void DoIdle();
  void End(Task& task, absl::Status status);
  template <class Work>
  absl::Status Try(Work work);

  const Kind kind_;
  const std::function<void()> on_damage_;
  const Idle idle_;
  Connection connection_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Task> tasks_;
  std::size_t look_at_ = kMostWaiting;  // how many tasks, for those that were given up
  bool stopping_ = false;
  bool shared_ = false;  // there was more than one of what was taken last
  net::TimePoint idle_at_{};
  std::vector<Task> unsettled_;  // done but for `idle`
  std::thread thread_;
};

template <class Work, class Result>
boost::asio::awaitable<absl::StatusOr<Result>> Worker::Await(net::TimePoint until, Work work,
                                                             Then<Work> then, Task task) {
  struct Pending {
    explicit Pending(const boost::asio::any_io_executor& executor) : done(executor) {}
    net::Signal done;
    absl::Status status;
    std::optional<Result> result;
    std::atomic<bool> abandoned = false;
  };
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto pending = std::make_shared<Pending>(executor);
  task.work = [pending, work = std::move(work)](Connection& connection) mutable {
    pending->result.emplace(work(connection));
  };
  task.done = [pending, executor, then = std::move(then)](absl::Status status) {
    if (then) then(status.ok() ? &*pending->result : nullptr);
    pending->status = std::move(status);
    boost::asio::post(executor, [pending] { pending->done.Notify(); });
  };
  task.abandoned = std::shared_ptr<const std::atomic<bool>>(pending, &pending->abandoned);
  Push(std::move(task));
  struct Waiter {
    Pending& pending;
    ~Waiter() { pending.abandoned = true; }
  } waiter{*pending};
  const bool in_time = co_await pending->done.Wait(until);
  if (!in_time) co_return absl::DeadlineExceededError("luna.db: not done in time");
  if (!pending->status.ok()) co_return pending->status;
  co_return *std::move(pending->result);
}

}  // namespace luna::storage
