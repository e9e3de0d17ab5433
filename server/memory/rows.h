#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "luna/v1/memory.pb.h"
#include "server/storage/connection.h"

// What the queries of this folder have in common.
namespace luna::memory {

// In the order in which Read takes them.
#define TURN_COLUMNS                                                               \
  "turns.id, session, ended_at, created_at, input, answer, emotion, model, mode, " \
  "processing_us, cached, finish_reason, translation"
// In the order in which ReadSummary takes them.
#define SUMMARY_COLUMNS "id, session, through_ended_at, created_at, content, turns"
// A user's number. Nothing equals it where he has none.
#define USER_OF(parameter) "(SELECT id FROM users WHERE name = " parameter ")"
// The order of summaries, the newest first: by what they sum up, since one may have been imported
// after a newer one was made.
#define NEWEST_SUMMARY "through_ended_at DESC, through_id DESC, id DESC"

// A list ends, whatever its limit, with the turn that makes it so large: clients of gRPC take 4
// MiB.
inline constexpr std::size_t kMostPageBytes = 2 << 20;

// The user's number, which he gets where he has none.
std::int64_t UserNumber(storage::Connection& connection, const std::string& name);

// Reads TURN_COLUMNS.
v1::Conversation ReadTurn(const std::string& user, SQLite::Statement& row);

// Reads SUMMARY_COLUMNS.
v1::Summary ReadSummary(SQLite::Statement& row);

// Of the wall clock, since 1970.
std::int64_t NowMicroseconds();

}  // namespace luna::memory
