#include "server/storage/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include <absl/strings/str_cat.h>

namespace luna::storage {
namespace {

std::string ReadPid(int lock) {
  char digits[32];
  const ssize_t size = pread(lock, digits, sizeof digits, 0);
  std::string pid(digits, size > 0 ? static_cast<std::size_t>(size) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return pid;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Open(const std::string& path) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(path, error);
  // What people said is for nobody else on this machine.
  if (made) std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("data_dir: cannot make ", path, ": ", error.message()));
  }
  const std::string file = path + "/luna.lock";
  const int lock = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("data_dir: cannot open ", file));
  }
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const int why = errno;
    const std::string pid = ReadPid(lock);
    close(lock);
    if (why != EWOULDBLOCK) {
      return absl::ErrnoToStatus(why, absl::StrCat("data_dir: cannot lock ", file));
    }
    return absl::FailedPreconditionError(
        absl::StrCat("data_dir: ", path, " is in use by another server, process ", pid,
                     "; give this one a data_dir of its own (--data-dir), or stop that one"));
  }
  const bool left_uncleanly = !ReadPid(lock).empty();
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(lock, 0) != 0 || pwrite(lock, pid.data(), pid.size(), 0) < 0) {
    const int why = errno;
    close(lock);
    return absl::ErrnoToStatus(why, absl::StrCat("data_dir: cannot write ", file));
  }
  return std::unique_ptr<DataDirectory>(new DataDirectory(path, lock, left_uncleanly));
}

DataDirectory::~DataDirectory() {
  // With an id in it the next start looks at all of the database.
  if (!damaged_) [[maybe_unused]]
    const int ignored = ftruncate(lock_, 0);
  close(lock_);
}

}  // namespace luna::storage
