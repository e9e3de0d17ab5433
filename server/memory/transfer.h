#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "luna/v1/memory.pb.h"
#include "server/config/config.h"
#include "server/storage/connection.h"

// A user's whole memory, out and in. As turns.h says of what it holds.
namespace luna::memory {

// Up to where a memory has been read.
struct Bookmark {
  std::int64_t turn_ended_at = -1;
  int turn_id = 0;
  int summary_id = 0;
};

// What follows `place` of the user's turns, the oldest first, and then of his summaries, as they
// were made; moves `place` behind it. Some hundred of them, and of some hundred KiB unless a single
// one is longer. Empty at the end.
std::vector<v1::ExportResponse> ReadOn(storage::Connection& connection, const std::string& user,
                                       Bookmark& place);

// Keeps turns at their own times, and summaries of the turns that are there by then; leaves out
// what is there already: a turn of the same session, time and texts, a summary of the same session,
// time and content. Beyond `options.max_entries` the oldest are forgotten, all of them.
v1::ImportResponse Import(storage::Connection& connection, const std::string& user,
                          const std::vector<v1::ExportResponse>& lines,
                          const config::Memory& options);

}  // namespace luna::memory
