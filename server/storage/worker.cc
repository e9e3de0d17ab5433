#include "server/storage/worker.h"

#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include <spdlog/spdlog.h>

namespace luna::storage {
namespace {

// In one transaction, so that nobody waits for too many.
constexpr std::size_t kMostTogether = 256;

// What a writer waits for more to share a transaction, where the last one was shared.
constexpr std::chrono::milliseconds kGathering{1};

// From a work to idle_, where nobody waits for that: what is deleted in many steps is purged once.
constexpr std::chrono::seconds kLull{10};

}  // namespace

Worker::Worker(const std::string& file, Kind kind, std::function<void()> on_damage, Idle idle)
    : kind_(kind),
      on_damage_(std::move(on_damage)),
      idle_(std::move(idle)),
      connection_(file),
      thread_([this] { Run(); }) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Worker::Post(std::function<void(Connection&)> work) {
  Task task;
  task.work = std::move(work);
  task.done = [](absl::Status status) {
    if (!status.ok()) spdlog::error("{}", std::string(status.message()));
  };
  task.abandoned = std::make_shared<const std::atomic<bool>>(false);
  Push(std::move(task));
}

void Worker::Push(Task task) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = tasks_.empty();
    if (tasks_.size() >= look_at_) {
      std::erase_if(tasks_, GivenUp);
      look_at_ = std::max(kMostWaiting, 2 * tasks_.size());
    }
    task.even_late = task.even_late && tasks_.size() < kMostWaiting;
    tasks_.push_back(std::move(task));
  }
  if (first) wake_.notify_one();
}

// Calls `work`, and says how it went.
template <class Work>
absl::Status Worker::Try(Work work) {
  try {
    work();
    return absl::OkStatus();
  } catch (const SQLite::Exception& error) {
    if (IsDamage(error) && on_damage_) on_damage_();
    return AsStatus(error);
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

// What there is to do, oldest first; nothing once idle_ is due.
std::vector<Worker::Task> Worker::Wait() {
  std::unique_lock lock(mutex_);
  const auto ready = [&] { return stopping_ || !tasks_.empty(); };
  if (idle_ == nullptr || idle_at_ == net::kForever) {
    wake_.wait(lock, ready);
  } else {
    wake_.wait_until(lock, idle_at_, ready);
  }
  if (kind_ == Kind::kWriter && shared_) {
    wake_.wait_for(lock, kGathering, [&] { return stopping_ || tasks_.size() >= kMostTogether; });
  }
  shared_ = tasks_.size() > 1;
  const std::size_t count = std::min(tasks_.size(), kMostTogether);
  std::vector<Task> tasks(std::make_move_iterator(tasks_.begin()),
                          std::make_move_iterator(tasks_.begin() + count));
  tasks_.erase(tasks_.begin(), tasks_.begin() + count);
  return tasks;
}

bool Worker::GivenUp(const Task& task) { return task.abandoned->load() && !task.even_late; }

bool Worker::Stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Worker::Run() {
  while (true) {
    std::vector<Task> tasks = Wait();
    if (tasks.empty() && Stopping()) break;
    std::erase_if(tasks, GivenUp);
    const bool idle = tasks.empty();
    if (kind_ == Kind::kWriter && !idle) {
      DoTogether(tasks);
    } else {
      for (Task& task : tasks) DoOne(task);
    }
    // Who waits for it does not wait for a lull.
    if (!idle) {
      const net::TimePoint lull = net::Clock::now() + kLull;
      idle_at_ = unsettled_.empty() ? std::min(idle_at_, lull) : net::TimePoint();
    }
    const bool due = net::Clock::now() >= idle_at_ && (idle || !unsettled_.empty());
    if (idle_ != nullptr && due) DoIdle();
  }
  for (Task& task : unsettled_) task.done(absl::UnavailableError("the server is stopping"));
}

// Tells the one who asked, at once or once all is settled.
void Worker::End(Task& task, absl::Status status) {
  if (task.settle && status.ok()) {
    unsettled_.push_back(std::move(task));
  } else {
    task.done(std::move(status));
  }
}

void Worker::DoOne(Task& task) {
  connection_.StopWhen([&] { return task.abandoned->load(); });
  End(task, Try([&] {
        SQLite::Transaction one_state(connection_.database());
        task.work(connection_);
      }));
  connection_.StopWhen(nullptr);
}

void Worker::DoTogether(std::vector<Task>& tasks) {
  SQLite::Database& database = connection_.database();
  std::vector<absl::Status> results(tasks.size());
  const absl::Status committed = Try([&] {
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      connection_.Prepare("SAVEPOINT task")->exec();
      results[i] = Try([&] { tasks[i].work(connection_); });
      // A full disk ends the whole transaction.
      const bool rolled_back = sqlite3_get_autocommit(database.getHandle()) != 0;
      if (rolled_back) throw SQLite::Exception(std::string(results[i].message()));
      if (!results[i].ok()) connection_.Prepare("ROLLBACK TO task")->exec();
      connection_.Prepare("RELEASE task")->exec();
    }
    transaction.commit();
  });
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    End(tasks[i], committed.ok() ? results[i] : committed);
  }
}

void Worker::DoIdle() {
  std::optional<std::chrono::milliseconds> again;
  const absl::Status status = Try([&] { again = idle_(connection_); });
  if (!status.ok()) spdlog::error("{}", std::string(status.message()));
  idle_at_ = again ? net::Clock::now() + *again : net::kForever;
  if (again) return;
  for (Task& task : std::exchange(unsettled_, {})) task.done(status);
}

}  // namespace luna::storage
