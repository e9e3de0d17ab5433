#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace luna::bench {

// Milliseconds of processor time, user and system, that the processes have used: all their threads
// (/proc/PID/stat, in ticks of 10 ms). Throws std::runtime_error if one does not run.
std::int64_t CpuMilliseconds(const std::vector<pid_t>& processes);

// The same of this process.
std::int64_t OwnCpuMilliseconds();

}  // namespace luna::bench
