#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "luna/v1/memory.pb.h"
#include "server/config/config.h"
#include "server/storage/connection.h"

// What is kept of conversations, on one connection. Every function sees one user's memory alone.
// They throw SQLite::Exception. Requests have been checked: limits are there, and `user_id` is not
// empty.
namespace luna::memory {

// A turn, as a model is told of it.
struct Told {
  int id = 0;
  std::string input;
  std::string translation;  // which the model read in place of the input; empty where it read that
  std::string answer;
};

// What a model is told of a session before it answers.
struct Context {
  int summary_id = 0;       // 0: there is none
  std::string summary;      // of what came before `turns`; mostly empty
  std::vector<Told> turns;  // oldest first
};

// A session as it is known when `input` is said.
struct Recollection {
  Context context;
  // What `context` was before the same was last said, where the session's last turns, one or more,
  // said it already.
  std::optional<Context> before_repeats;
};

// Keeps a turn, of which `id` and `created_at` are left out, and forgets the user's oldest beyond
// `options.max_entries`, some at a time; what is forgotten is deleted, but not purged. The turn
// ends at its `timestamp`, or later, behind every turn before it. Returns its id.
int Insert(storage::Connection& connection, const v1::Conversation& turn,
           const config::Memory& options);

// The same of the user with this number (rows.h), at its own `timestamp`, whatever is there
// already, and nothing is forgotten.
int InsertAsItIs(storage::Connection& connection, std::int64_t user, const v1::Conversation& turn);

// Forgets the oldest that `options.max_entries` has no room for, at most `most`; -1: all of them.
void ForgetOldest(storage::Connection& connection, std::int64_t user, const config::Memory& options,
                  int most);

// The newest summary, and the most recent turns that fit `options.max_context_turns` and
// `max_context_tokens`, at least one.
Context ReadContext(storage::Connection& connection, const std::string& user,
                    const std::string& session, const config::Memory& options);

// The same, and what it was before the last turns that said `input`, as utf8::Normalized has it.
// Looks no further back than a hundred of them.
Recollection Recall(storage::Connection& connection, const std::string& user,
                    const std::string& session, const std::string& input,
                    const config::Memory& options);

// Whether the session's last turn said `input`, as utf8::Normalized has it; true where its context
// does not hold that turn.
bool MayRepeat(const std::string& input, const Context& context);

// What no two sessions have in common, whatever their names are.
std::string SessionKey(const std::string& user, const std::string& session);

// Whether nothing of the context has been deleted since it was read.
bool IsThere(storage::Connection& connection, const std::string& user, const Context& context);

v1::ListRecentResponse ListRecent(storage::Connection& connection,
                                  const v1::ListRecentRequest& request);
v1::ListConversationsResponse ListConversations(storage::Connection& connection,
                                                const v1::ListConversationsRequest& request);
std::optional<v1::Conversation> Find(storage::Connection& connection, const std::string& user,
                                     int id);
v1::ListSessionsResponse ListSessions(storage::Connection& connection,
                                      const v1::ListSessionsRequest& request);
v1::GetStatsResponse ReadStats(storage::Connection& connection, const std::string& user);

}  // namespace luna::memory
