#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/llm/openai.h"
#include "tests/unit/llm/parsing.h"

namespace luna::llm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

config::Target Target() {
  config::Target target;
  target.api = config::Target::Api::kOpenAi;
  target.name = "main";
  target.model = "Luna";
  return target;
}

Parsed Parse(const std::string& body, bool stream = true) {
  static const config::Target target = Target();
  return ParseCutEverywhere([&] { return OpenAiParser(target, stream); }, body);
}

std::string Event(const std::string& json) { return "data: " + json + "\n\n"; }

std::string Choice(const std::string& delta, const std::string& finish_reason = "null") {
  return Event(R"({"choices":[{"index":0,"delta":)" + delta + R"(,"finish_reason":)" +
               finish_reason + R"(}],"model":"m"})");
}

std::string Text(const std::string& text, const std::string& finish_reason = "null") {
  return Choice(R"({"content":")" + text + "\"}", finish_reason);
}

const std::string kStop = Choice("{}", "\"stop\"");
const std::string kDone = Event("[DONE]");

TEST(OpenAiParser, ReadsAStreamOfLlamaCpp) {
  const Parsed parsed = Parse(
      Event(
          R"({"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant",)"
          R"("content":null}}],"created":1,"id":"x","model":"Luna","object":"chat.completion.chunk"})") +
      ": ping\n\n" + Choice(R"({"reasoning_content":"hm"})") + Text("서울") + Text("입니다") +
      kStop +
      Event(R"({"choices":[],"model":"Luna","usage":{"completion_tokens":5,"prompt_tokens":7,)"
            R"("total_tokens":12},"timings":{"prompt_n":7,"predicted_ms":1.5}})") +
      kDone);
  EXPECT_THAT(parsed.pieces, ElementsAre("서울", "입니다"));
  EXPECT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.finish_reason, "STOP");
  EXPECT_EQ(parsed.usage, "7/5/0/12");
  EXPECT_EQ(parsed.model, "Luna");
}

TEST(OpenAiParser, ReadsAStreamOfVllm) {
  const Parsed parsed =
      Parse(Choice(R"({"role":"assistant","content":""})") + Text("a") + Text("b", "\"length\"") +
            Event(R"({"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":9,)"
                  R"("completion_tokens_details":{"reasoning_tokens":4},"total_tokens":10}})") +
            kDone);
  EXPECT_THAT(parsed.pieces, ElementsAre("a", "b"));
  EXPECT_EQ(parsed.finish_reason, "MAX_TOKENS");
  EXPECT_EQ(parsed.usage, "1/9/4/10");
}

TEST(OpenAiParser, UsageMayBeNull) {
  EXPECT_EQ(Parse(Event(R"({"usage":null,"choices":[{"delta":{"content":"a"}}],"error":null})") +
                  kStop + kDone)
                .text(),
            "a");
}

TEST(OpenAiParser, OnlyTheFirstChoiceCounts) {
  EXPECT_THAT(Parse(Event(R"({"choices":[{"delta":{"content":"no"},"finish_reason":"stop",)"
                          R"("index":1},{"index":0,"delta":{"content":"yes"}}]})") +
                    kStop + kDone)
                  .pieces,
              ElementsAre("yes"));
}

TEST(OpenAiParser, IsDoneAtDone) {
  const config::Target target = Target();
  const auto parser = OpenAiParser(target, true);
  std::vector<std::string> pieces;
  ASSERT_TRUE(parser->Feed(Text("a") + kStop, pieces).ok());
  EXPECT_FALSE(parser->done());
  ASSERT_TRUE(parser->Feed(kDone, pieces).ok());
  EXPECT_TRUE(parser->done());
}

TEST(OpenAiParser, DoneNeedsNoEmptyLineAtTheEnd) {
  EXPECT_EQ(Parse(Text("a") + kStop + "data: [DONE]").error, "");
  EXPECT_EQ(Parse(Text("a") + kStop + "data:[DONE]\r\n").error, "");
}

TEST(OpenAiParser, AFinishReasonWithoutDoneIsAnError) {
  const Parsed parsed = Parse(Text("a") + kStop);
  EXPECT_EQ(parsed.text(), "a");
  EXPECT_EQ(parsed.error, "UPSTREAM_PROTOCOL");
  EXPECT_THAT(parsed.message, HasSubstr("[DONE]"));
}

TEST(OpenAiParser, DoneWithoutAFinishReasonIsAnError) {
  for (const std::string& body : {Text("a") + kDone, Text("a"), kDone, std::string()}) {
    SCOPED_TRACE(body);
    const Parsed parsed = Parse(body);
    EXPECT_EQ(parsed.error, "UPSTREAM_PROTOCOL");
    EXPECT_THAT(parsed.message, HasSubstr("without a finish reason"));
  }
}

TEST(OpenAiParser, EveryFinishReasonHasItsEnd) {
  const struct {
    const char* reason;
    const char* error;
    const char* finish;
  } kRows[] = {
      {"stop", "", "STOP"},
      {"length", "", "MAX_TOKENS"},
      {"content_filter", "CONTENT_BLOCKED", ""},
      {"tool_calls", "UPSTREAM_PROTOCOL", ""},
      {"function_call", "UPSTREAM_PROTOCOL", ""},
      {"something_new", "UPSTREAM_PROTOCOL", ""},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.reason);
    const std::string quoted = '"' + std::string(row.reason) + '"';
    const Parsed parsed = Parse(Text("a") + Text("b", quoted) + kDone);
    EXPECT_EQ(parsed.text(), "ab");
    EXPECT_EQ(parsed.error, row.error);
    EXPECT_EQ(parsed.finish_reason, row.finish);
    if (!parsed.error.empty()) {
      EXPECT_THAT(parsed.message, HasSubstr(row.reason));
    }
  }
}

TEST(OpenAiParser, AnEmptyAnswerIsAnError) {
  EXPECT_THAT(Parse(kStop + kDone).message, HasSubstr("empty answer"));
  EXPECT_THAT(Parse(Choice("{}", "\"length\"") + kDone).message, HasSubstr("max_tokens"));
}

TEST(OpenAiParser, AnErrorInMidStreamIsSeenInEveryShape) {
  const std::string inner = R"({"code":500,"message":"slot broke","type":"server_error"})";
  const std::string outer = R"({"error":)" + inner + "}";
  for (const std::string& error :
       {Event(outer), Event(outer) + kDone, "error: " + inner + "\n\n", "error: " + outer + "\n\n",
        outer, Event(R"({"error":"slot broke"})"),
        Event(R"({"object":"error","message":"slot broke","code":500})"),
        Event(R"({"error":{"message":"slot broke","type":"api_error","code":null}})"),
        std::string("{\n  \"error\": {\n    \"message\": \"slot broke\"\n  }\n}\n")}) {
    for (const std::string& before : {Text("a"), Text("a") + kStop}) {
      SCOPED_TRACE(before + error);
      const Parsed parsed = Parse(before + error);
      EXPECT_EQ(parsed.text(), "a");
      EXPECT_EQ(parsed.error, "UPSTREAM_UNAVAILABLE");
      EXPECT_THAT(parsed.message, HasSubstr("slot broke"));
    }
  }
}

TEST(OpenAiParser, AUnaryAnswerInsteadOfAStreamIsAnError) {
  const Parsed parsed =
      Parse(R"({"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]})");
  EXPECT_EQ(parsed.error, "UPSTREAM_PROTOCOL");
  EXPECT_THAT(parsed.message, HasSubstr("not an event stream"));
}

TEST(OpenAiParser, BrokenFramesAreErrors) {
  for (const char* frame :
       {"{", "DONE", "[DONE", R"({"choices":[{"delta":{"content":"x\ud800"}}]})"}) {
    SCOPED_TRACE(frame);
    const Parsed parsed = Parse(Text("a") + Event(frame) + kStop + kDone);
    EXPECT_EQ(parsed.error, "UPSTREAM_PROTOCOL");
    EXPECT_EQ(parsed.text(), "a");
  }
}

TEST(OpenAiParser, ACodePointThatTwoFramesShareIsJoined) {
  EXPECT_THAT(Parse(Text("\xF0\x9F") + Text("\x98\x80") + kStop + kDone).pieces,
              ElementsAre("\xF0\x9F\x98\x80"));
}

TEST(OpenAiParser, ReadsAUnaryResponse) {
  const Parsed parsed = Parse(
      R"({"choices":[{"finish_reason":"stop","index":0,"message":{"role":"assistant",)"
      R"("reasoning_content":"hm","content":"서울"}}],"created":1,"model":"Luna",)"
      R"("object":"chat.completion","usage":{"completion_tokens":2,"prompt_tokens":1,"total_tokens":3}})",
      false);
  EXPECT_THAT(parsed.pieces, ElementsAre("서울"));
  EXPECT_EQ(parsed.finish_reason, "STOP");
  EXPECT_EQ(parsed.usage, "1/2/0/3");
  EXPECT_EQ(parsed.model, "Luna");
}

TEST(OpenAiParser, UnaryResponsesFailAsStreamsDo) {
  EXPECT_EQ(
      Parse(R"({"choices":[{"finish_reason":"tool_calls","message":{"content":null}}]})", false)
          .error,
      "UPSTREAM_PROTOCOL");
  EXPECT_EQ(Parse(R"({"error":{"code":500,"message":"x"}})", false).error, "UPSTREAM_UNAVAILABLE");
}

}  // namespace
}  // namespace luna::llm
