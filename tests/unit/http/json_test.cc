#include "server/http/json.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include "echo.pb.h"
#include "server/base/error.h"

namespace luna::http {
namespace {

using luna::test::EchoRequest;
using testing::HasSubstr;

v1::InteractResponse Event() {
  v1::InteractResponse event;
  event.set_sequence(3);
  *event.mutable_created_at() = google::protobuf::util::TimeUtil::SecondsToTimestamp(1700000000);
  return event;
}

std::string SseFrame(const v1::InteractResponse& event, bool details) {
  std::string frame;
  AppendSseFrame(event, details, frame);
  return frame;
}

v1::InteractResponse Chunk(const std::string& text) {
  v1::InteractResponse event = Event();
  event.mutable_llm_chunk()->set_text(text);
  return event;
}

TEST(SseFrame, IsTheGuidesFrameToTheByte) {
  EXPECT_EQ(SseFrame(Chunk(" 미래는"), false),
            "data: {\"type\": \"llm_chunk\", \"data\": \" 미래는\"}\n\n");
  v1::InteractResponse event = Event();
  event.mutable_complete()->set_text("끝");
  EXPECT_EQ(SseFrame(event, false), "data: {\"type\": \"complete\", \"data\": \"끝\"}\n\n");
  event.mutable_error()->set_message("아니");
  EXPECT_EQ(SseFrame(event, false), "data: {\"type\": \"error\", \"data\": \"아니\"}\n\n");
  event.mutable_translation()->set_text("Explain.");
  EXPECT_EQ(SseFrame(event, false),
            "data: {\"type\": \"translation\", \"data\": \"Explain.\"}\n\n");
  event.mutable_emotion()->set_emotion("neutral");
  event.mutable_emotion()->set_confidence(0.95);
  EXPECT_EQ(SseFrame(event, false),
            "data: {\"type\": \"emotion\", \"data\": {\"emotion\": \"neutral\", \"confidence\": "
            "0.95}}\n\n");
}

TEST(SseFrame, GivesConfidencesToTheLastDigit) {
  v1::InteractResponse event = Event();
  event.mutable_emotion()->set_confidence(0.9499999999998181);
  event.mutable_emotion()->add_top()->set_confidence(0.9499999999998181);
  for (const bool details : {false, true}) {
    EXPECT_THAT(SseFrame(event, details), HasSubstr("\"confidence\": 0.9499999999998181}"));
  }
  EXPECT_THAT(SseFrame(event, true), HasSubstr("0.9499999999998181}]"));
}

TEST(SseFrame, EscapesWhatClientsBreakLinesAt) {
  EXPECT_EQ(SseFrame(Chunk("a\u2028b\u2029c\u0085d\r\ne\"\\\x01 é"), false),
            "data: {\"type\": \"llm_chunk\", \"data\": "
            "\"a\\u2028b\\u2029c\\u0085d\\r\\ne\\\"\\\\\\u0001 é\"}\n\n");
}

TEST(SseFrame, AddsDetailsBesideTypeAndData) {
  v1::InteractResponse event = Event();
  event.mutable_complete()->set_text("a, b: \"c\"");
  event.mutable_complete()->set_finish_reason("STOP");
  event.mutable_complete()->mutable_usage()->set_prompt_tokens(7);
  EXPECT_EQ(SseFrame(event, true),
            "data: {\"type\": \"complete\", \"data\": \"a, b: \\\"c\\\"\", \"sequence\": 3, "
            "\"created_at\": \"2023-11-14T22:13:20Z\", \"finish_reason\": \"STOP\", \"usage\": "
            "{\"prompt_tokens\": 7, \"completion_tokens\": 0, \"thoughts_tokens\": 0, "
            "\"total_tokens\": 0}, \"model\": \"\", \"target\": \"\", \"cached\": false, "
            "\"remembered\": false}\n\n");
  EXPECT_EQ(SseFrame(Chunk("x"), true),
            "data: {\"type\": \"llm_chunk\", \"data\": \"x\", \"sequence\": 3, \"created_at\": "
            "\"2023-11-14T22:13:20Z\"}\n\n");
}

TEST(SseFrame, KeepsLineBreakersEscapedInDetails) {
  v1::InteractResponse event = Event();
  event.mutable_error()->set_text_so_far("a\u2028b\u0085c\nd");
  const std::string frame = SseFrame(event, true);
  for (const char* breaker : {"\u2028", "\u0085"}) {
    EXPECT_EQ(frame.find(breaker), std::string::npos) << frame;
  }
  EXPECT_EQ(frame.find('\n'), frame.size() - 2);
}

TEST(ToJson, PrintsSnakeCaseAndDefaults) {
  EXPECT_EQ(ToJson(v1::AnswerResponse()),
            "{\"text\":\"\",\"emotion\":\"\",\"confidence\":0,\"translation\":\"\",\"cached\":"
            "false,\"remembered\":false,\"model\":\"\"}");
}

TEST(ErrorBody, NamesTheReason) {
  const auto error = ErrorOf(MakeError(ErrorCode::kInputTooLarge, "너무 \"길다\""));
  EXPECT_EQ(ErrorBody(error),
            "{\"code\":3,\"message\":\"너무 \\\"길다\\\"\",\"details\":[{\"@type\":"
            "\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"INPUT_TOO_LARGE\","
            "\"domain\":\"luna\"}]}");
}

struct Read {
  absl::Status status;
  EchoRequest request;
};

Read ReadEcho(const std::string& verb, const std::string& path, const std::string& query,
              const std::string& body) {
  const Routes routes({EchoRequest::descriptor()->file()->service(0)});
  const Match match = routes.Find(verb, path);
  Read read;
  read.status = ReadMessage(*match.route, body, query, match.variables, read.request);
  return read;
}

TEST(ReadMessage, LetsThePathBeatTheBodyAndIgnoresTheQueryBesideAWholeBody) {
  const Read read = ReadEcho("POST", "/echo/path", "count=9", R"({"name": "body", "count": 1})");
  ASSERT_TRUE(read.status.ok()) << read.status;
  EXPECT_EQ(read.request.name(), "path");
  EXPECT_EQ(read.request.count(), 1);
}

TEST(ReadMessage, ReadsTheQueryWithoutABody) {
  const Read read = ReadEcho("GET", "/echo",
                             "name=%EB%A3%A8+%EB%82%98&count=3&tags=a&tags=b&nested.flag=true", "");
  ASSERT_TRUE(read.status.ok()) << read.status;
  EXPECT_EQ(read.request.name(), "루 나");
  EXPECT_EQ(read.request.count(), 3);
  EXPECT_THAT(read.request.tags(), testing::ElementsAre("a", "b"));
  EXPECT_TRUE(read.request.nested().flag());
}

TEST(ReadMessage, ReadsOneFieldFromTheBodyAndTheRestFromTheQuery) {
  const Read read = ReadEcho("PUT", "/echo/nested", "name=n", R"({"flag": true})");
  ASSERT_TRUE(read.status.ok()) << read.status;
  EXPECT_TRUE(read.request.nested().flag());
  EXPECT_EQ(read.request.name(), "n");
}

TEST(ReadMessage, NamesWhatIsWrong) {
  const auto message = [](const Read& read) { return ErrorOf(read.status).message(); };
  EXPECT_THAT(message(ReadEcho("POST", "/echo/a", "", R"({"nam": 1})")), HasSubstr("nam"));
  EXPECT_THAT(message(ReadEcho("POST", "/echo/a", "", R"({"count": "x"})")), HasSubstr("count"));
  EXPECT_THAT(message(ReadEcho("POST", "/echo/a", "", R"({"name": )")), HasSubstr("byte 9"));
  EXPECT_THAT(message(ReadEcho("POST", "/echo/a", "", "{'name': 1}")), HasSubstr("byte 1"));
  EXPECT_THAT(message(ReadEcho("POST", "/echo/a", "", "{\"name\": \"\xFF\"}")), HasSubstr("UTF-8"));
  EXPECT_THAT(message(ReadEcho("POST", "/echo/a", "", R"({"name": "\ud800"})")), HasSubstr("byte"));
  EXPECT_THAT(message(ReadEcho("POST", "/echo/a", "", "[]")), HasSubstr("body"));
  EXPECT_THAT(message(ReadEcho("POST", "/echo/a", "", "{} {}")), HasSubstr("byte 3"));
  EXPECT_THAT(message(ReadEcho("GET", "/echo", "colour=red", "")), HasSubstr("colour"));
  EXPECT_THAT(message(ReadEcho("GET", "/echo", "count=many", "")), HasSubstr("count"));
  for (const char* body : {R"({"nam": 1})", "[]", "{", "1"}) {
    EXPECT_EQ(ErrorOf(ReadEcho("POST", "/echo/a", "", body).status).code(), "INVALID_INPUT");
  }
}

TEST(ReadMessage, SurvivesDeepNesting) {
  const std::string deep = "{\"tags\":" + std::string(200000, '[');
  EXPECT_FALSE(ReadEcho("POST", "/echo/a", "", deep).status.ok());
}

TEST(ReadMessage, ReadsWhatStandsTwiceAsProtobufDoes) {
  const Route route{.method = nullptr, .body = "*"};
  for (const std::string body :
       {R"({"features":{"memory":true,"memory":false}})", R"({"input":"a","input":""})",
        R"({"features":{"memory":true},"features":{"cache":true}})",
        R"({"features":{"memory":true},"features":{"memory":false}})"}) {
    v1::InteractRequest request;
    v1::InteractRequest by_protobuf;
    const bool read = ReadMessage(route, body, "", {}, request).ok();
    EXPECT_EQ(read, google::protobuf::util::JsonStringToMessage(body, &by_protobuf).ok()) << body;
    if (!read) continue;
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(request, by_protobuf)) << body;
  }
}

TEST(ReadMessage, ANulEndsNeitherTheBodyNorAName) {
  const Route route{.method = nullptr, .body = "*"};
  for (const std::string& body : {std::string("{\"input\":\"hi\"}\0 rest", 20),
                                  std::string(R"({"input":"hi","target\u0000x":"gemini"})")}) {
    v1::InteractRequest request;
    const absl::Status status = ReadMessage(route, body, "", {}, request);
    EXPECT_EQ(ErrorOf(status).code(), "INVALID_INPUT") << body;
  }
}

TEST(ReadMessage, TakesAListForAListAndAnObjectForAMessageAlone) {
  const auto read = [](const std::string& body, google::protobuf::Message& message) {
    const Route route{.method = nullptr, .body = "*"};
    return std::string(ReadMessage(route, body, "", {}, message).message());
  };
  EchoRequest echo;
  for (const char* tags : {R"([["a"]])", R"([{}])", R"([null])", R"("a")", R"({})"}) {
    EXPECT_EQ(read(absl::StrCat(R"({"count": 1, "tags": )", tags, "}"), echo),
              "body: tags: expected a list");
  }
  for (const char* body : {R"({"count": []})", R"({"count": {}})"}) {
    EXPECT_EQ(read(body, echo), "body: count: expected another kind of value");
  }
  EXPECT_EQ(read(R"({"nested": {"flag": {}}})", echo),
            "body: flag: expected another kind of value");
  EXPECT_EQ(read(R"({"tags": ["a"], "nested": {"flag": true}, "count": null})", echo), "");
  v1::InteractResponse event;
  EXPECT_EQ(read(R"({"createdAt": {}})", event),
            "body: created_at: expected another kind of value");
  EXPECT_EQ(read(R"({"createdAt": "2026-01-02T03:04:05Z"})", event), "");
}

}  // namespace
}  // namespace luna::http
