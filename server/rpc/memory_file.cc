#include "server/rpc/memory_file.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include "server/base/error.h"
#include "server/base/exact_json.h"
#include "server/base/utf8.h"
#include "server/interaction/checks.h"
#include "server/interaction/interaction.h"
#include "server/interaction/messages.h"
#include "server/memory/summaries.h"

namespace luna::rpc {
namespace {

using google::protobuf::util::TimeUtil;

constexpr std::string_view kWhiteSpace = " \t\r\n";
constexpr double kLongestAnswerSeconds = 1e6;
constexpr int kMostLabelBytes = 1 << 10;
constexpr int kMostSummarizedTurns = 1'000'000'000;  // others may still be added to them

absl::Status Wrong(const char* field, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", absl::string_view(what.data(), what.size())));
}

// `field` of at most `most` bytes.
absl::Status CheckLength(const std::string& language, const char* field, const std::string& text,
                         int most) {
  if (!utf8::IsValid(text)) return Wrong(field, messages::NotUtf8(language));
  if (static_cast<int>(text.size()) <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(messages::TooLong(language, field, most));
}

// The same, and it says something.
absl::Status CheckSaid(const std::string& language, const char* field, const std::string& text,
                       int most) {
  if (IsBlank(text)) return absl::InvalidArgumentError(messages::Empty(language, field));
  return CheckLength(language, field, text, most);
}

absl::Status CheckSession(const std::string& language, std::string& session) {
  if (!utf8::IsValid(session)) return Wrong("session_id", messages::NotUtf8(language));
  session = OrDefault(session);
  return CheckId(language, "session_id", session);
}

// Neither before 1970 nor in the future.
absl::Status CheckTime(const std::string& language, const google::protobuf::Timestamp& time) {
  const std::int64_t now = absl::ToUnixMicros(absl::Now());
  const bool past = time.seconds() >= 0 && TimeUtil::TimestampToMicroseconds(time) <= now;
  return past ? absl::OkStatus() : Wrong("timestamp", messages::NotPast(language));
}

absl::Status Check(const std::string& language, v1::Conversation& turn) {
  absl::Status wrong = turn.has_timestamp() ? CheckTime(language, turn.timestamp())
                                            : Wrong("timestamp", messages::Missing(language));
  if (wrong.ok()) wrong = CheckSession(language, *turn.mutable_session_id());
  if (wrong.ok()) {
    wrong = CheckSaid(language, "user_message", turn.user_message(), kMostInputBytes);
  }
  if (wrong.ok()) {
    wrong = CheckSaid(language, "assistant_message", turn.assistant_message(),
                      Interaction::kMostAnswerBytes);
  }
  const double seconds = turn.processing_time();
  if (wrong.ok() && !(seconds >= 0 && seconds <= kLongestAnswerSeconds)) {
    wrong = absl::InvalidArgumentError(messages::NotBetween(
        language, "processing_time", 0, static_cast<int>(kLongestAnswerSeconds)));
  }
  if (wrong.ok()) {
    wrong = CheckLength(language, "translation", turn.translation(), Interaction::kMostAnswerBytes);
  }
  for (const auto& [field, label] :
       {std::pair("emotion", &turn.emotion()), std::pair("model", &turn.model()),
        std::pair("mode", &turn.mode()), std::pair("finish_reason", &turn.finish_reason())}) {
    if (wrong.ok()) wrong = CheckLength(language, field, *label, kMostLabelBytes);
  }
  return wrong;
}

absl::Status Check(const std::string& language, v1::Summary& summary) {
  absl::Status wrong = summary.has_timestamp() ? CheckTime(language, summary.timestamp())
                                               : Wrong("timestamp", messages::Missing(language));
  if (wrong.ok()) wrong = CheckSession(language, *summary.mutable_session_id());
  if (wrong.ok()) {
    wrong = CheckSaid(language, "content", summary.content(), memory::kMostSummaryBytes);
  }
  const int turns = summary.summarized_turns();
  if (wrong.ok() && (turns < 1 || turns > kMostSummarizedTurns)) {
    wrong = absl::InvalidArgumentError(
        messages::NotBetween(language, "summarized_turns", 1, kMostSummarizedTurns));
  }
  return wrong;
}

absl::StatusOr<v1::ExportResponse> ReadLine(std::string_view line, const std::string& language) {
  v1::ExportResponse read;
  if (!utf8::IsValid(line)) return absl::InvalidArgumentError(messages::NotUtf8(language));
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(line.data(), line.size()), &read);
  if (!parsed.ok()) return absl::InvalidArgumentError(std::string(parsed.message()));
  absl::Status wrong;
  if (read.has_conversation()) {
    wrong = Check(language, *read.mutable_conversation());
  } else if (read.has_summary()) {
    wrong = Check(language, *read.mutable_summary());
  } else {
    wrong = Wrong("conversation, summary", messages::Missing(language));
  }
  if (!wrong.ok()) return wrong;
  return read;
}

std::optional<google::protobuf::Timestamp> ReadTime(const rapidjson::Value& value) {
  if (value.IsNumber()) {
    const double seconds = value.GetDouble();
    constexpr double kYear9999 = 253402300799;
    if (!(seconds >= 0 && seconds <= kYear9999)) return std::nullopt;
    return TimeUtil::MicrosecondsToTimestamp(std::llround(seconds * 1e6));
  }
  if (!value.IsString()) return std::nullopt;
  const absl::string_view text(value.GetString(), value.GetStringLength());
  for (const char* format : {"%Y-%m-%dT%H:%M:%E*S%Ez", "%Y-%m-%d %H:%M:%E*S%Ez",
                             "%Y-%m-%dT%H:%M:%E*S", "%Y-%m-%d %H:%M:%E*S"}) {
    absl::Time time;
    std::string error;
    const bool read = absl::ParseTime(format, text, absl::LocalTimeZone(), &time, &error);
    const std::int64_t micros = absl::ToUnixMicros(time);
    if (read && micros >= TimeUtil::kTimestampMinSeconds * 1'000'000 &&
        micros / 1'000'000 <= TimeUtil::kTimestampMaxSeconds) {
      return TimeUtil::MicrosecondsToTimestamp(micros);
    }
  }
  return std::nullopt;
}

// The text under `name`; empty where there is none, or null. Nothing where it is something else.
std::optional<std::string> Text(const rapidjson::Value& object, const char* name) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || member->value.IsNull()) return std::string();
  if (!member->value.IsString()) return std::nullopt;
  return std::string(member->value.GetString(), member->value.GetStringLength());
}

absl::StatusOr<v1::ExportResponse> ReadEntry(const rapidjson::Value& entry,
                                             const std::string& language) {
  v1::ExportResponse read;
  v1::Conversation& turn = *read.mutable_conversation();
  if (!entry.IsObject()) return absl::InvalidArgumentError(messages::NoObject(language));
  const auto time = entry.FindMember("timestamp");
  if (time == entry.MemberEnd()) return Wrong("timestamp", messages::Missing(language));
  const auto timestamp = ReadTime(time->value);
  if (!timestamp) return Wrong("timestamp", messages::NoTime(language));
  *turn.mutable_timestamp() = *timestamp;
  const std::optional<std::string> user = Text(entry, "user");
  const std::optional<std::string> assistant = Text(entry, "assistant");
  if (!user) return Wrong("user", messages::NoText(language));
  if (!assistant) return Wrong("assistant", messages::NoText(language));
  absl::Status wrong = CheckSaid(language, "user", *user, kMostInputBytes);
  if (wrong.ok()) {
    wrong = CheckSaid(language, "assistant", *assistant, Interaction::kMostAnswerBytes);
  }
  if (!wrong.ok()) return wrong;
  turn.set_user_message(*user);
  turn.set_assistant_message(*assistant);
  const auto metadata = entry.FindMember("metadata");
  if (metadata != entry.MemberEnd() && metadata->value.IsObject()) {
    const std::optional<std::string> emotion = Text(metadata->value, "emotion");
    const std::optional<std::string> mode = Text(metadata->value, "mode");
    if (!emotion) return Wrong("metadata.emotion", messages::NoText(language));
    if (!mode) return Wrong("metadata.mode", messages::NoText(language));
    turn.set_emotion(*emotion);
    turn.set_mode(*mode);
  }
  wrong = Check(language, turn);
  if (!wrong.ok()) return wrong;
  return read;
}

using Lines = std::vector<v1::ExportResponse>;

absl::Status AtLine(const std::string& language, std::ptrdiff_t number, const absl::Status& wrong) {
  return MakeError(ErrorCode::kInvalidInput, messages::AtLine(language, static_cast<int>(number),
                                                              std::string(wrong.message())));
}

absl::StatusOr<Lines> ReadLines(std::string_view data, const std::string& language) {
  Lines lines;
  for (int number = 1; !data.empty(); ++number) {
    const std::size_t end = data.find('\n');
    const std::string_view line = data.substr(0, end);
    data.remove_prefix(end == data.npos ? data.size() : end + 1);
    if (line.find_first_not_of(kWhiteSpace) == line.npos) continue;
    absl::StatusOr<v1::ExportResponse> read = ReadLine(line, language);
    if (!read.ok()) return AtLine(language, number, read.status());
    lines.push_back(*std::move(read));
  }
  return lines;
}

absl::StatusOr<Lines> ReadList(std::string_view data, const std::string& language) {
  const auto line_of = [&](std::size_t byte) {
    return 1 + std::count(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(byte), '\n');
  };
  // RapidJSON takes a NUL for the end.
  if (const std::size_t nul = data.find('\0'); nul != data.npos) {
    return AtLine(language, line_of(nul), absl::InvalidArgumentError("NUL"));
  }
  rapidjson::Document list;
  const rapidjson::ParseResult result = ParseExactly(data, list);
  if (result.IsError()) {
    return AtLine(language, line_of(std::min(result.Offset(), data.size())),
                  absl::InvalidArgumentError(rapidjson::GetParseError_En(result.Code())));
  }
  Lines lines;
  for (const rapidjson::Value& entry : list.GetArray()) {
    absl::StatusOr<v1::ExportResponse> read = ReadEntry(entry, language);
    if (!read.ok()) {
      const int number = static_cast<int>(lines.size()) + 1;
      return MakeError(ErrorCode::kInvalidInput,
                       messages::AtEntry(language, number, std::string(read.status().message())));
    }
    lines.push_back(*std::move(read));
  }
  return lines;
}

}  // namespace

absl::StatusOr<std::vector<v1::ExportResponse>> ReadMemoryFile(const std::string& data,
                                                               const std::string& language) {
  std::string_view text = data;
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text.remove_prefix(kByteOrderMark.size());
  }
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  const bool list = first != text.npos && text[first] == '[';
  return list ? ReadList(text, language) : ReadLines(text, language);
}

}  // namespace luna::rpc
