#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include <absl/status/statusor.h>

namespace luna::storage {

// The directory in which everything is kept, held by this process alone for as long as the object
// lives: by flock(2) on `luna.lock`, which holds the process's id meanwhile.
class DataDirectory {
 public:
  // Makes the directory where there is none. FAILED_PRECONDITION where another process holds it,
  // whose id the message tells; PERMISSION_DENIED and such where it cannot be used.
  static absl::StatusOr<std::unique_ptr<DataDirectory>> Open(const std::string& path);
  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  // The process that held it before was killed, or the machine lost power, or it met damage.
  bool left_uncleanly() const { return left_uncleanly_; }
  // Its database is damaged: the next start is to look at all of it. From any thread.
  void MarkDamaged() { damaged_ = true; }

  // Its database.
  std::string database() const { return path_ + "/luna.db"; }

 private:
  DataDirectory(std::string path, int lock, bool left_uncleanly)
      : path_(std::move(path)), lock_(lock), left_uncleanly_(left_uncleanly) {}

  const std::string path_;
  const int lock_;
  const bool left_uncleanly_;
  std::atomic<bool> damaged_ = false;
};

}  // namespace luna::storage
