#include "server/memory/rows.h"

#include <google/protobuf/util/time_util.h>

namespace luna::memory {

using google::protobuf::util::TimeUtil;

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

}  // namespace luna::memory
