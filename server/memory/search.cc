#include "server/memory/search.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>

#include "server/memory/rows.h"
#include "server/memory/turns.h"
#include "server/storage/tokenizer.h"

namespace luna::memory {

using google::protobuf::util::TimeUtil;
using storage::Connection;
using storage::Query;

namespace {

constexpr int kSnippetTokens = 32;
// What stands around a match in what FTS5 makes of a snippet.
constexpr char kMatchBegins = '\x02';
constexpr char kMatchEnds = '\x03';

// The parts of what FTS5 marked; whether anything is.
bool AddParts(const std::string& marked, v1::Conversation& turn) {
  if (marked.find(kMatchBegins) == std::string::npos) return false;
  bool match = false;
  std::size_t at = 0;
  while (at < marked.size()) {
    const std::size_t end =
        std::min(marked.find(match ? kMatchEnds : kMatchBegins, at), marked.size());
    if (end > at) {
      v1::SnippetPart& part = *turn.add_snippet();
      part.set_text(marked.substr(at, end - at));
      part.set_match(match);
    }
    match = !match;
    at = end + 1;
  }
  return true;
}

void AddSnippet(Connection& connection, const std::string& expression, v1::Conversation& turn) {
  Query snippet = connection.Prepare(
      "SELECT snippet(turn_search, 1, char(2), char(3), '…', ?3), "
      "snippet(turn_search, 2, char(2), char(3), '…', ?3) "
      "FROM turn_search WHERE turn_search MATCH ?1 AND rowid = ?2");
  snippet->bind(1, expression);
  snippet->bind(2, turn.id());
  snippet->bind(3, kSnippetTokens);
  if (!snippet->executeStep()) return;
  AddParts(snippet->getColumn(0).getString(), turn) ||
      AddParts(snippet->getColumn(1).getString(), turn);
}

// What of a search is the same for the page and for the count. `condition` binds ?1 to ?5.
#define SEARCH_FILTER \
  " turns.user = " USER_OF("?1") " AND (?2 = '' OR session = ?2)"                  \
  " AND (?3 = '' OR emotion = ?3) AND ended_at >= ?4 AND ended_at < ?5"
#define SEARCH_MATCH                                                   \
  " FROM turn_search CROSS JOIN turns ON turns.id = turn_search.rowid" \
  " WHERE turn_search MATCH ?6 AND" SEARCH_FILTER

void BindFilter(const v1::SearchConversationsRequest& request, SQLite::Statement& statement) {
  statement.bind(1, request.user_id());
  statement.bind(2, request.session_id());
  statement.bind(3, request.emotion());
  statement.bind(4, request.has_since() ? TimeUtil::TimestampToMicroseconds(request.since())
                                        : std::numeric_limits<std::int64_t>::min());
  statement.bind(5, request.has_until() ? TimeUtil::TimestampToMicroseconds(request.until())
                                        : std::numeric_limits<std::int64_t>::max());
}

std::string SearchExpression(Connection& connection,
                             const v1::SearchConversationsRequest& request) {
  const std::string words = storage::MatchExpression(request.keyword());
  if (words.empty()) return "";
  Query user = connection.Prepare("SELECT id FROM users WHERE name = ?1");
  user->bind(1, request.user_id());
  if (!user->executeStep()) return "";
  return absl::StrCat("owner : \"u", user->getColumn(0).getInt64(), "\" AND {input answer} : (",
                      words, ")");
}

}  // namespace

v1::SearchConversationsResponse Search(Connection& connection,
                                       const v1::SearchConversationsRequest& request) {
  v1::SearchConversationsResponse response;
  response.set_limit(request.limit());
  response.set_offset(request.offset());
  const bool by_words = !request.keyword().empty();
  const std::string expression = by_words ? SearchExpression(connection, request) : "";
  if (by_words && expression.empty()) return response;

  Query count = connection.Prepare(by_words ? "SELECT count(*)" SEARCH_MATCH
                                            : "SELECT count(*) FROM turns WHERE" SEARCH_FILTER);
  BindFilter(request, *count);
  if (by_words) count->bind(6, expression);
  count->executeStep();
  response.set_total(count->getColumn(0).getInt());

  std::vector<std::int64_t> ids;
  Query page = connection.Prepare(
      by_words ? "SELECT turns.id" SEARCH_MATCH
                 " ORDER BY bm25(turn_search, 0), ended_at DESC, turns.id DESC LIMIT ?7 OFFSET ?8"
               : "SELECT turns.id FROM turns WHERE" SEARCH_FILTER
                 " ORDER BY ended_at DESC, id DESC LIMIT ?7 OFFSET ?8");
  BindFilter(request, *page);
  if (by_words) page->bind(6, expression);
  page->bind(7, request.limit());
  page->bind(8, request.offset());
  while (page->executeStep()) ids.push_back(page->getColumn(0).getInt64());
  for (const std::int64_t id : ids) {
    std::optional<v1::Conversation> turn =
        Find(connection, request.user_id(), static_cast<int>(id));
    if (!turn) continue;  // deleted a moment ago
    if (by_words) AddSnippet(connection, expression, *turn);
    *response.add_results() = *std::move(turn);
  }
  response.set_count(response.results_size());
  return response;
}

}  // namespace luna::memory
