#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "luna/v1/cache.pb.h"
#include "luna/v1/interaction.pb.h"
#include "server/config/config.h"
#include "server/storage/connection.h"

// The answers that are kept, on one connection. Every function sees one user's alone. They throw
// SQLite::Exception. `now` is in microseconds since 1970; an answer is good for
// `options.ttl_seconds` after it was kept, and not before, where the clock was set back.
namespace luna::cache {

struct Found {
  std::optional<v1::Complete> answer;
  bool damaged = false;  // there is one, but it is not what was kept
};

Found Find(storage::Connection& connection, const std::string& user, const std::string& key,
           const config::Cache& options, std::int64_t now);

// Keeps an answer in place of what stands under `key`, and counts that. Deletes the user's least
// recently used beyond `options.max_size`, and some, anybody's, that are too old.
void Keep(storage::Connection& connection, const std::string& user, const std::string& key,
          const v1::Complete& answer, const config::Cache& options, std::int64_t now);

bool IsKept(storage::Connection& connection, const std::string& user, const std::string& key);

// An answer was given again: now it is the most recently used one.
void Use(storage::Connection& connection, const std::string& user, const std::string& key);

void Count(storage::Connection& connection, const std::string& user, int hits, int misses);

v1::GetCacheStatsResponse ReadStats(storage::Connection& connection, const std::string& user,
                                    const config::Cache& options, std::int64_t now);

void Delete(storage::Connection& connection, const std::string& user, const std::string& key);

// Deletes what is too old, or from a clock that was set back. Returns how many.
int DeleteOld(storage::Connection& connection, const std::string& user,
              const config::Cache& options, std::int64_t now);

// Deletes all, to be purged (storage/purge.h). What a user deletes of his memory takes all his
// answers with it: any of them may have been made from it. Returns how many.
int DeleteAll(storage::Connection& connection, const std::string& user);

// Forgets what was counted.
void ForgetCounts(storage::Connection& connection, const std::string& user);

}  // namespace luna::cache
