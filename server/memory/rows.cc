#include "server/memory/rows.h"

#include <chrono>

#include <google/protobuf/util/time_util.h>

namespace luna::memory {

using google::protobuf::util::TimeUtil;
using storage::Connection;
using storage::Query;

std::int64_t UserNumber(Connection& connection, const std::string& name) {
  {
    Query found = connection.Prepare("SELECT id FROM users WHERE name = ?1");
    found->bind(1, name);
    if (found->executeStep()) return found->getColumn(0).getInt64();
  }
  Query insert = connection.Prepare("INSERT INTO users (name) VALUES (?1)");
  insert->bind(1, name);
  insert->exec();
  return connection.database().getLastInsertRowid();
}

v1::Conversation ReadTurn(const std::string& user, SQLite::Statement& row) {
  v1::Conversation turn;
  turn.set_id(row.getColumn(0).getInt());
  turn.set_user_id(user);
  turn.set_session_id(row.getColumn(1).getString());
  *turn.mutable_timestamp() = TimeUtil::MicrosecondsToTimestamp(row.getColumn(2).getInt64());
  *turn.mutable_created_at() = TimeUtil::MicrosecondsToTimestamp(row.getColumn(3).getInt64());
  turn.set_user_message(row.getColumn(4).getString());
  turn.set_assistant_message(row.getColumn(5).getString());
  turn.set_emotion(row.getColumn(6).getString());
  turn.set_model(row.getColumn(7).getString());
  turn.set_mode(row.getColumn(8).getString());
  turn.set_processing_time(static_cast<double>(row.getColumn(9).getInt64()) / 1e6);
  turn.set_cached(row.getColumn(10).getInt() != 0);
  turn.set_finish_reason(row.getColumn(11).getString());
  turn.set_translation(row.getColumn(12).getString());
  return turn;
}

v1::Summary ReadSummary(SQLite::Statement& row) {
  v1::Summary summary;
  summary.set_id(row.getColumn(0).getInt());
  summary.set_session_id(row.getColumn(1).getString());
  *summary.mutable_timestamp() = TimeUtil::MicrosecondsToTimestamp(row.getColumn(2).getInt64());
  *summary.mutable_created_at() = TimeUtil::MicrosecondsToTimestamp(row.getColumn(3).getInt64());
  summary.set_content(row.getColumn(4).getString());
  summary.set_summarized_turns(row.getColumn(5).getInt());
  return summary;
}

std::int64_t NowMicroseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace luna::memory
