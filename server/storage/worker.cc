#include "server/storage/worker.h"

#include <SQLiteCpp/Savepoint.h>
#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <utility>

#include <spdlog/spdlog.h>

namespace luna::storage {
namespace {

// Calls `work`, and says how it went.
template <class Work>
absl::Status Try(Work work) {
  try {
    work();
    return absl::OkStatus();
  } catch (const SQLite::Exception& error) {
    return AsStatus(error);
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

}  // namespace

Worker::Worker(const std::string& file, Kind kind, std::function<bool(Connection&)> idle)
    : kind_(kind), idle_(std::move(idle)), connection_(file), thread_([this] { Run(); }) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Worker::Push(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void Worker::Run() {
  bool more_when_idle = idle_ != nullptr;
  std::vector<Task> tasks;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || more_when_idle || !tasks_.empty(); });
      if (stopping_ && tasks_.empty() && unsettled_.empty()) return;
      tasks.swap(tasks_);
    }
    const bool idle = tasks.empty();
    if (kind_ == Kind::kWriter && !idle) {
      DoTogether(tasks);
    } else {
      for (Task& task : tasks) DoOne(task);
    }
    tasks.clear();
    more_when_idle = idle_ != nullptr;
    // Who waits for it does not wait for a lull.
    if (more_when_idle && (idle || !unsettled_.empty())) more_when_idle = DoIdle();
  }
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
  End(task, Try([&] { task.work(connection_); }));
}

void Worker::DoTogether(std::vector<Task>& tasks) {
  SQLite::Database& database = connection_.database();
  std::vector<absl::Status> results(tasks.size());
  const absl::Status committed = Try([&] {
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      results[i] = Try([&] {
        SQLite::Savepoint savepoint(database, "task");
        tasks[i].work(connection_);
        savepoint.release();
      });
      // A full disk ends the whole transaction.
      const bool rolled_back = sqlite3_get_autocommit(database.getHandle()) != 0;
      if (rolled_back) throw SQLite::Exception(std::string(results[i].message()));
    }
    transaction.commit();
  });
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    End(tasks[i], committed.ok() ? results[i] : committed);
  }
}

bool Worker::DoIdle() {
  bool more = false;
  const absl::Status status = Try([&] { more = idle_(connection_); });
  if (!status.ok()) spdlog::error("{}", std::string(status.message()));
  if (more && status.ok()) return true;
  for (Task& task : std::exchange(unsettled_, {})) task.done(status);
  return false;
}

}  // namespace luna::storage
