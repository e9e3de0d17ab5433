#include "server/memory/search.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <google/protobuf/util/time_util.h>

#include "server/memory/rows.h"
#include "server/memory/turns.h"
#include "server/memory/words.h"

namespace luna::memory {

using google::protobuf::util::TimeUtil;
using storage::Connection;
using storage::Query;

namespace {

// (score, ended_at, id)
using Hit = std::tuple<double, std::int64_t, std::int64_t>;

std::string_view Text(const SQLite::Column& column) {
  return {column.getText(), static_cast<std::size_t>(column.getBytes())};
}

std::vector<Hit> FindHits(Connection& connection, const v1::SearchConversationsRequest& request,
                          const Words& words) {
  std::vector<Hit> hits;
  Query turns =
      connection.Prepare("SELECT id, ended_at, input, answer FROM turns WHERE user = " USER_OF(
          "?1") " AND (?2 = '' OR session = ?2) AND (?3 = '' OR emotion = ?3)"
                " AND ended_at >= ?4 AND ended_at < ?5");
  turns->bind(1, request.user_id());
  turns->bind(2, request.session_id());
  turns->bind(3, request.emotion());
  turns->bind(4, request.has_since() ? TimeUtil::TimestampToMicroseconds(request.since())
                                     : std::numeric_limits<std::int64_t>::min());
  turns->bind(5, request.has_until() ? TimeUtil::TimestampToMicroseconds(request.until())
                                     : std::numeric_limits<std::int64_t>::max());
  while (turns->executeStep()) {
    const std::optional<double> score =
        words.Score(Text(turns->getColumn(2)), Text(turns->getColumn(3)));
    if (!score) continue;
    hits.emplace_back(*score, turns->getColumn(1).getInt64(), turns->getColumn(0).getInt64());
  }
  return hits;
}

}  // namespace

v1::SearchConversationsResponse Search(Connection& connection,
                                       const v1::SearchConversationsRequest& request) {
  v1::SearchConversationsResponse response;
  const Words words(request.keyword());
  std::vector<Hit> hits = FindHits(connection, request, words);
  response.set_total(static_cast<int>(hits.size()));
  response.set_limit(request.limit());
  response.set_offset(request.offset());
  const std::size_t begin = std::min<std::size_t>(request.offset(), hits.size());
  const std::size_t end = std::min<std::size_t>(begin + request.limit(), hits.size());
  std::partial_sort(hits.begin(), hits.begin() + end, hits.end(), std::greater<>());
  std::size_t bytes = 0;
  for (std::size_t i = begin; i < end && bytes < kMostPageBytes; ++i) {
    const auto id = static_cast<int>(std::get<2>(hits[i]));
    std::optional<v1::Conversation> turn = Find(connection, request.user_id(), id);
    if (!turn) continue;  // deleted a moment ago
    if (!words.empty()) words.AddSnippet(*turn);
    bytes += turn->ByteSizeLong();
    *response.add_results() = *std::move(turn);
  }
  response.set_count(response.results_size());
  return response;
}

}  // namespace luna::memory
