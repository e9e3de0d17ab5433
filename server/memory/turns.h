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

// What a model is told of a session before it answers.
struct Context {
  std::string summary;                  // of what came before `turns`; mostly empty
  std::vector<v1::Conversation> turns;  // oldest first; both texts alone
};

// Keeps a turn, of which `id` and `created_at` are left out, and no more than
// `options.max_entries` of the user's. `timestamp` is moved to be later than that of every turn
// before it. Returns its id.
int Insert(storage::Connection& connection, v1::Conversation turn, const config::Memory& options);

// The newest summary, and the most recent turns that fit `options.max_context_turns` and
// `max_context_tokens`, at least one.
Context ReadContext(storage::Connection& connection, const std::string& user,
                    const std::string& session, const config::Memory& options);

v1::ListRecentResponse ListRecent(storage::Connection& connection,
                                  const v1::ListRecentRequest& request);
v1::ListConversationsResponse ListConversations(storage::Connection& connection,
                                                const v1::ListConversationsRequest& request);
std::optional<v1::Conversation> Find(storage::Connection& connection, const std::string& user,
                                     int id);
v1::SearchConversationsResponse Search(storage::Connection& connection,
                                       const v1::SearchConversationsRequest& request);
v1::ListSessionsResponse ListSessions(storage::Connection& connection,
                                      const v1::ListSessionsRequest& request);
v1::GetStatsResponse ReadStats(storage::Connection& connection, const std::string& user);

// Deletes a turn with the summaries that it went into; false where there is none.
bool Delete(storage::Connection& connection, const std::string& user, int id);
// Deletes up to `most` turns, and, once none is left, the summaries; of all sessions where
// `session` is empty. Returns how many turns.
int DeleteSome(storage::Connection& connection, const std::string& user, const std::string& session,
               int most);

v1::ListSummariesResponse ListSummaries(storage::Connection& connection,
                                        const v1::ListSummariesRequest& request);

// The turns of a session that its newest summary does not hold yet, without the newest `leave`.
struct Unsummarized {
  int newest_summary = 0;               // its id; 0: there is none
  std::string summary;                  // its content
  int summarized_turns = 0;             // how many it stands for
  std::int64_t summary_ended_at = 0;    // when the last of them ended,
  int summary_through = 0;              // and its id
  int count = 0;                        // how many there are after it, the newest too
  std::vector<v1::Conversation> turns;  // oldest first, at most `most_tokens`, but one at least
};
Unsummarized ReadUnsummarized(storage::Connection& connection, const std::string& user,
                              const std::string& session, int leave, int most_tokens);

// Keeps `content` as the summary of `turns`, and of what the summary before them holds. False, and
// nothing is kept, where one of them has been deleted since they were read, or somebody else was
// faster.
bool InsertSummary(storage::Connection& connection, const std::string& user,
                   const std::string& session, const Unsummarized& turns,
                   const std::string& content);

// One step of making sure that nothing of what was deleted is left in the files; true while there
// is more to do. Outside of a transaction.
bool Purge(storage::Connection& connection);

}  // namespace luna::memory
