#pragma once

#include <cstddef>
#include <string>

#include "luna/v1/memory.pb.h"
#include "server/storage/rows.h"

// What the queries of this folder have in common.
namespace luna::memory {

// In the order in which Read takes them.
#define TURN_COLUMNS                                                               \
  "turns.id, session, ended_at, created_at, input, answer, emotion, model, mode, " \
  "processing_us, cached, finish_reason, translation"
// In the order in which ReadSummary takes them.
#define SUMMARY_COLUMNS "id, session, through_ended_at, created_at, content, turns"
// The order of summaries, the newest first: by what they sum up, since one may have been imported
// after a newer one was made.
#define NEWEST_SUMMARY "through_ended_at DESC, through_id DESC, id DESC"

// A list ends, whatever its limit, with the turn that makes it so large: clients of gRPC take 4
// MiB.
inline constexpr std::size_t kMostPageBytes = 2 << 20;

// Reads TURN_COLUMNS.
v1::Conversation ReadTurn(const std::string& user, SQLite::Statement& row);

// Reads SUMMARY_COLUMNS.
v1::Summary ReadSummary(SQLite::Statement& row);

}  // namespace luna::memory
