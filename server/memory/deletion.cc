#include "server/memory/deletion.h"

#include <optional>
#include <string>

#include <google/protobuf/util/time_util.h>

#include "server/memory/rows.h"
#include "server/memory/turns.h"
#include "server/storage/purge.h"

namespace luna::memory {

using google::protobuf::util::TimeUtil;
using storage::Connection;
using storage::Query;

namespace {

// Those of turns that ended at `from` or later: two may have ended at once where they were
// imported. Returns how many.
int DeleteSummaries(Connection& connection, const std::string& user, const std::string& session,
                    std::int64_t from) {
  Query summaries = connection.Prepare("DELETE FROM summaries WHERE user = " USER_OF(
      "?1") " AND (?2 = '' OR session = ?2) AND through_ended_at >= ?3");
  summaries->bind(1, user);
  summaries->bind(2, session);
  summaries->bind(3, from);
  return summaries->exec();
}

}  // namespace

bool Delete(Connection& connection, const std::string& user, int id) {
  const std::optional<v1::Conversation> turn = Find(connection, user, id);
  if (!turn) return false;
  Query row = connection.Prepare("DELETE FROM turns WHERE user = " USER_OF("?1") " AND id = ?2");
  row->bind(1, user);
  row->bind(2, id);
  row->exec();
  DeleteSummaries(connection, user, turn->session_id(),
                  TimeUtil::TimestampToMicroseconds(turn->timestamp()));
  storage::ForgetUserWithNothing(connection, user);
  storage::AskForPurge(connection);
  return true;
}

int DeleteSome(Connection& connection, const std::string& user, const std::string& session,
               int most) {
  Query rows = connection.Prepare(
      "DELETE FROM turns WHERE id IN (SELECT id FROM turns WHERE user = " USER_OF(
          "?1") " AND (?2 = '' OR session = ?2) LIMIT ?3)");
  rows->bind(1, user);
  rows->bind(2, session);
  rows->bind(3, most);
  const int deleted = rows->exec();
  const int summaries = DeleteSummaries(connection, user, session, 0);
  const bool forgotten = storage::ForgetUserWithNothing(connection, user);
  if (deleted > 0 || summaries > 0 || forgotten) storage::AskForPurge(connection);
  return deleted;
}

}  // namespace luna::memory
