#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "luna/v1/memory.pb.h"
#include "server/storage/connection.h"

// As turns.h says of what it holds.
namespace luna::memory {

// Of its content.
inline constexpr int kMostSummaryBytes = 8 << 10;

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

}  // namespace luna::memory
