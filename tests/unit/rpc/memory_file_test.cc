#include "server/rpc/memory_file.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include "server/base/error.h"

namespace luna::rpc {
namespace {

using google::protobuf::util::TimeUtil;
using testing::HasSubstr;

// A line as Export gives it, with `changes` (members of the object) at its end, which count.
std::string Line(const std::string& changes = "") {
  return R"({"conversation":{"id":7,"user_id":"somebody","session_id":"s1",)"
         R"("timestamp":"2026-01-31T12:34:56.789012Z","created_at":"2026-01-31T12:34:57Z",)"
         R"("user_message":"안녕","assistant_message":"안녕하세요!","emotion":"joy",)"
         R"("processing_time":0.25,"cached":true,"model":"m1","mode":"api",)"
         R"("finish_reason":"STOP","translation":"Hi","snippet":[])" +
         (changes.empty() ? "" : "," + changes) + "}}\n";
}

std::string Summary(const std::string& changes = "") {
  return R"({"summary":{"id":1,"session_id":"s1","timestamp":"2026-01-31T12:34:56.789012Z",)"
         R"("content":"인사했다","summarized_turns":1)" +
         (changes.empty() ? "" : "," + changes) + "}}\n";
}

// An entry of the original's list.
std::string Entry(const std::string& timestamp = R"("2026-01-31T12:34:56.789012+09:00")",
                  const std::string& user = R"("안녕")") {
  return R"({"timestamp": )" + timestamp + R"(, "user": )" + user +
         R"(, "assistant": "안녕하세요!", "metadata": {"emotion": "joy", "intent": "greet", )"
         R"("mode": "api"}})";
}

std::vector<v1::ExportResponse> Read(const std::string& data) {
  auto lines = ReadMemoryFile(data, "en");
  EXPECT_TRUE(lines.ok()) << lines.status();
  return lines.ok() ? *std::move(lines) : std::vector<v1::ExportResponse>();
}

std::string Refusal(const std::string& data, const std::string& language = "en") {
  const auto lines = ReadMemoryFile(data, language);
  if (lines.ok()) return "";
  EXPECT_EQ(ErrorOf(lines.status()).code(), "INVALID_INPUT");
  return ErrorOf(lines.status()).message();
}

std::string TimeOf(const std::string& timestamp) {
  const auto lines = Read("[" + Entry(timestamp) + "]");
  return lines.empty() ? "" : TimeUtil::ToString(lines[0].conversation().timestamp());
}

TEST(MemoryFileTest, ReadsWhatExportGave) {
  const auto lines = Read(Line() + Summary());
  ASSERT_EQ(lines.size(), 2u);
  const v1::Conversation& turn = lines[0].conversation();
  EXPECT_EQ(turn.session_id(), "s1");
  EXPECT_EQ(TimeUtil::ToString(turn.timestamp()), "2026-01-31T12:34:56.789012Z");
  EXPECT_EQ(turn.user_message(), "안녕");
  EXPECT_EQ(turn.assistant_message(), "안녕하세요!");
  EXPECT_EQ(turn.emotion(), "joy");
  EXPECT_EQ(turn.model(), "m1");
  EXPECT_EQ(turn.mode(), "api");
  EXPECT_EQ(turn.finish_reason(), "STOP");
  EXPECT_EQ(turn.translation(), "Hi");
  EXPECT_EQ(turn.processing_time(), 0.25);
  EXPECT_TRUE(turn.cached());
  EXPECT_EQ(lines[1].summary().content(), "인사했다");
  EXPECT_EQ(lines[1].summary().summarized_turns(), 1);
}

TEST(MemoryFileTest, ReadsWhatTheOriginalKept) {
  const auto lines =
      Read("[\n  " + Entry() + ",\n  " + Entry(R"("2026-02-01T00:00:00Z")") + "\n]\n");
  ASSERT_EQ(lines.size(), 2u);
  const v1::Conversation& turn = lines[0].conversation();
  EXPECT_EQ(turn.session_id(), "default");
  EXPECT_EQ(TimeUtil::ToString(turn.timestamp()), "2026-01-31T03:34:56.789012Z");
  EXPECT_EQ(turn.user_message(), "안녕");
  EXPECT_EQ(turn.assistant_message(), "안녕하세요!");
  EXPECT_EQ(turn.emotion(), "joy");
  EXPECT_EQ(turn.mode(), "api");
}

TEST(MemoryFileTest, TheOriginalsMetadataMayBeMissing) {
  const std::string bare = R"({"timestamp": 5, "user": "a", "assistant": "b")";
  for (const char* end : {"}", R"(,"metadata": null})", R"(,"metadata": {"emotion": null}})"}) {
    const auto lines = Read("[" + bare + end + "]");
    ASSERT_EQ(lines.size(), 1u) << end;
    EXPECT_EQ(lines[0].conversation().emotion(), "") << end;
  }
}

TEST(MemoryFileTest, ReadsTimesAsPythonWritesThem) {
  setenv("TZ", "Asia/Seoul", 1);
  EXPECT_EQ(TimeOf(R"("2026-01-31T12:34:56.789012")"), "2026-01-31T03:34:56.789012Z");
  EXPECT_EQ(TimeOf(R"("2026-01-31T12:34:56")"), "2026-01-31T03:34:56Z");
  EXPECT_EQ(TimeOf(R"("2026-01-31 12:34:56")"), "2026-01-31T03:34:56Z");
  EXPECT_EQ(TimeOf(R"("2026-01-31T12:34:56Z")"), "2026-01-31T12:34:56Z");
  EXPECT_EQ(TimeOf(R"("2026-01-31T12:34:56.5-08:00")"), "2026-01-31T20:34:56.500Z");
  EXPECT_EQ(TimeOf("1769862896"), "2026-01-31T12:34:56Z");
  EXPECT_EQ(TimeOf("1769862896.789012"), "2026-01-31T12:34:56.789012Z");
  EXPECT_EQ(TimeOf("0.000249"), "1970-01-01T00:00:00.000249Z");  // times 1e6 it is less than 249
}

TEST(MemoryFileTest, NothingIsNoMistake) {
  for (const char* data : {"", "\n \r\n", "[]", " [ ] ", "\xEF\xBB\xBF"}) {
    EXPECT_TRUE(Read(data).empty()) << data;
  }
}

TEST(MemoryFileTest, EmptyLinesAndCarriageReturnsAreLetPass) {
  std::string line = Line();
  line.insert(line.size() - 1, "\r");
  EXPECT_EQ(Read("\xEF\xBB\xBF" + line + "\r\n\n" + Line()).size(), 2u);
  EXPECT_EQ(Read(line.substr(0, line.size() - 1)).size(), 1u);  // the last line need not end
}

TEST(MemoryFileTest, ASessionThatIsNotNamedIsDefault) {
  std::string line = Line();
  line.erase(line.find(R"("session_id":"s1",)"), 18);
  EXPECT_EQ(Read(line).at(0).conversation().session_id(), "default");
}

TEST(MemoryFileTest, EveryBadLineIsNamedWithItsField) {
  const auto change = [](const std::string& from, const std::string& to) {
    std::string line = Line();
    const std::size_t at = line.find(from);
    EXPECT_NE(at, line.npos) << from;
    return line.replace(at, from.size(), to);
  };
  const std::string time = R"("timestamp":"2026-01-31T12:34:56.789012Z")";
  const std::string said = R"("user_message":"안녕")";
  const std::string answer = R"("assistant_message":"안녕하세요!")";
  const std::pair<std::string, const char*> lines[] = {
      {change(time, R"("timestamp":"yesterday")"), "timestamp"},
      {change(time, R"("timestamp":"2999-01-01T00:00:00Z")"), "timestamp: must be between 1970"},
      {change(time, R"("timestamp":"1969-12-31T23:59:59Z")"), "timestamp: must be between 1970"},
      {change(time, R"("mode":"x")"), "timestamp: missing"},
      {change(said, R"("user_message":" ")"), "user_message"},
      {change(said, R"("user_message":5)"), "user_message"},
      {change(said, R"("user_message":")" + std::string((16 << 10) + 1, 'x') + "\""),
       "user_message"},
      {change(said, R"("user_message":"\ud800")"), ""},
      {change(said, "\"user_message\":\"\xFF\""), "not UTF-8"},
      {change(answer, R"("assistant_message":"")"), "assistant_message"},
      {change(answer, R"("assistant_message":")" + std::string((1 << 20) + 1, 'x') + "\""),
       "assistant_message"},
      {change(R"("s1")", "\"" + std::string(129, 's') + "\""), "session_id"},
      {change("0.25", "-1"), "processing_time"},
      {change("0.25", R"("NaN")"), "processing_time"},
      {change(R"("Hi")", "\"" + std::string((1 << 20) + 1, 'x') + "\""), "translation"},
      {change(R"("joy")", "\"" + std::string((1 << 10) + 1, 'x') + "\""), "emotion"},
      {change(R"("m1")", "\"" + std::string((1 << 10) + 1, 'x') + "\""), "model"},
      {change(R"("api")", "\"" + std::string((1 << 10) + 1, 'x') + "\""), "mode"},
      {change(R"("STOP")", "\"" + std::string((1 << 10) + 1, 'x') + "\""), "finish_reason"},
      {change(R"("id":7)", R"("colour":7)"), "colour"},
      {R"({"summary":{"timestamp":"2026-01-31T12:34:56Z","content":"","summarized_turns":1}})",
       "content"},
      {R"({"summary":{"timestamp":"2026-01-31T12:34:56Z","content":"x"}})", "summarized_turns"},
      {Summary(R"("summarized_turns":2147483647)"), "summarized_turns"},
      {Summary(R"("content":")" + std::string((8 << 10) + 1, 'x') + "\""), "content"},
      {R"({"summary":{"content":"x","summarized_turns":1}})", "timestamp: missing"},
      {"{}", "conversation, summary: missing"},
      {"5", ""},
      {"not JSON", ""},
      {R"({"conversation":)", ""},
  };
  for (const auto& [line, field] : lines) {
    const std::string refusal = Refusal(Line() + "\n" + line + "\n" + Line());
    EXPECT_THAT(refusal, testing::StartsWith("line 3: ")) << line;
    EXPECT_THAT(refusal, HasSubstr(field)) << line;
  }
  EXPECT_THAT(Refusal(Line() + "{}\n", ""), testing::StartsWith("2번째 줄: "));
}

TEST(MemoryFileTest, EveryBadEntryIsNamedWithItsField) {
  const std::pair<std::string, const char*> entries[] = {
      {Entry(R"("yesterday")"), "timestamp: expected a time"},
      {Entry(R"("2026-02-30T00:00:00")"), "timestamp: expected a time"},
      {Entry(R"("infinite-future")"), "timestamp: expected a time"},
      {Entry("null"), "timestamp: expected a time"},
      {Entry("1e300"), "timestamp: expected a time"},
      {Entry("-1"), "timestamp: expected a time"},
      {Entry("32503680000"), "timestamp: must be between 1970"},
      {Entry(R"("2999-01-01T00:00:00")"), "timestamp: must be between 1970"},
      {Entry("5", "5"), "user: expected a text"},
      {Entry("5", "null"), "user"},
      {Entry("5", "\"" + std::string((16 << 10) + 1, 'x') + "\""), "user"},
      {Entry("5", "\"\xFF\""), "user: not UTF-8"},
      {R"({"user": "a", "assistant": "b"})", "timestamp: missing"},
      {R"({"timestamp": 5, "user": "a"})", "assistant"},
      {R"({"timestamp": 5, "user": "a", "assistant": "b", "metadata": {"emotion": 5}})",
       "metadata.emotion"},
      {"5", "expected an object"},
  };
  for (const auto& [entry, field] : entries) {
    const std::string refusal = Refusal("[" + Entry() + "," + entry + "," + Entry() + "]");
    EXPECT_THAT(refusal, testing::StartsWith("entry 2: ")) << entry;
    EXPECT_THAT(refusal, HasSubstr(field)) << entry;
  }
  EXPECT_THAT(Refusal("[5]", ""), testing::StartsWith("1번째 항목: "));
}

TEST(MemoryFileTest, AListThatIsNoJsonIsNamedByItsLine) {
  EXPECT_THAT(Refusal("[\n" + Entry() + ",\n" + Entry() + ";\n]"), testing::StartsWith("line 3: "));
  EXPECT_THAT(Refusal("[\n" + Entry() + ",\n"), testing::StartsWith("line 3: "));
  EXPECT_THAT(Refusal(std::string("[\n\0]", 4)), testing::StartsWith("line 2: "));
}

}  // namespace
}  // namespace luna::rpc
