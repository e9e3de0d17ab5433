#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/llm/gemini.h"
#include "tests/unit/llm/parsing.h"

namespace luna::llm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

config::Target Target() {
  config::Target target;
  target.name = "gemini";
  target.model = "gemini-2.5-flash";
  target.key_env = "GEMINI_API_KEY";
  target.key = "secret";
  return target;
}

Parsed Parse(const std::string& body, bool stream = true) {
  static const config::Target target = Target();
  return ParseCutEverywhere([&] { return GeminiParser(target, stream); }, body);
}

std::string Event(const std::string& json) { return "data: " + json + "\r\n\r\n"; }

// A chunk with one part and further members of the candidate.
std::string Text(const std::string& text, const std::string& more = "") {
  return Event(R"({"candidates":[{"content":{"parts":[{"text":")" + text +
               R"("}],"role":"model"})" + more + R"(,"index":0}]})");
}

const char kStop[] = R"(,"finishReason":"STOP")";

TEST(GeminiParser, ReadsAStream) {
  const Parsed parsed = Parse(
      Event(R"({"candidates":[{"content":{"parts":[{"text":"서울"}],"role":"model"},"index":0}],)"
            R"("usageMetadata":{"promptTokenCount":7,"totalTokenCount":7},)"
            R"("modelVersion":"gemini-2.5-flash","responseId":"r"})") +
      Event(R"({"candidates":[{"content":{"parts":[{"text":"입니다.\n"}],"role":"model"},)"
            R"("finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":7,)"
            R"("candidatesTokenCount":5,"totalTokenCount":43,"thoughtsTokenCount":31,)"
            R"("promptTokensDetails":[{"modality":"TEXT","tokenCount":7}]},)"
            R"("modelVersion":"gemini-2.5-flash","responseId":"r"})"));
  EXPECT_THAT(parsed.pieces, ElementsAre("서울", "입니다.\n"));
  EXPECT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.finish_reason, "STOP");
  EXPECT_EQ(parsed.usage, "7/5/31/43");
  EXPECT_EQ(parsed.model, "gemini-2.5-flash");
}

TEST(GeminiParser, LineEndsAndCommentsDoNotMatter) {
  const std::string lf =
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},"
      "\"finishReason\":\"STOP\"}]}\n\n";
  EXPECT_EQ(Parse(": ping\n\n" + lf).text(), "a");
  EXPECT_EQ(Parse(": ping\r\n\r\n" + Text("a", kStop) + ": ping\r\n").text(), "a");
}

TEST(GeminiParser, TheLastEventNeedsNoEmptyLine) {
  std::string body = Text("a") + Text("b", kStop);
  body.resize(body.size() - 4);
  EXPECT_EQ(Parse(body).text(), "ab");
  EXPECT_EQ(Parse(body).finish_reason, "STOP");
}

TEST(GeminiParser, ThoughtsAreSkippedWhereverTheirMarkStands) {
  EXPECT_THAT(Parse(Event(R"({"candidates":[{"content":{"parts":[{"thought":true,"text":"hm"},)"
                          R"({"text":"hm","thought":true},{"text":"a","thought":false},)"
                          R"({"text":"b"}]},"finishReason":"STOP"}]})"))
                  .pieces,
              ElementsAre("ab"));
}

TEST(GeminiParser, AThoughtSignatureIsNoThought) {
  EXPECT_EQ(Parse(Event(R"({"candidates":[{"content":{"parts":[{"text":"a",)"
                        R"("thoughtSignature":"c2ln"}]},"finishReason":"STOP"}]})"))
                .text(),
            "a");
}

TEST(GeminiParser, PartsContentAndCandidatesMayBeAbsent) {
  const Parsed parsed =
      Parse(Event("{}") + Event(R"({"candidates":[]})") + Event(R"({"candidates":[{}]})") +
            Event(R"({"candidates":[{"content":{}}]})") +
            Event(R"({"candidates":[{"content":{"parts":[]}}]})") +
            Event(R"({"candidates":[{"content":{"parts":[{"functionCall":{"name":"text"}}]}}]})") +
            Event(R"({"usageMetadata":{"promptTokenCount":3}})") + Text("a") + Text("") +
            Event(R"({"candidates":[{"finishReason":"STOP"}]})"));
  EXPECT_THAT(parsed.pieces, ElementsAre("a"));
  EXPECT_EQ(parsed.finish_reason, "STOP");
  EXPECT_EQ(parsed.usage, "3/0/0/0");
}

TEST(GeminiParser, OnlyTheFirstCandidateCountsWhereverItsIndexStands) {
  const Parsed parsed =
      Parse(Event(R"({"candidates":[{"content":{"parts":[{"text":"no"}]},"finishReason":"SAFETY",)"
                  R"("index":1},{"index":0,"content":{"parts":[{"text":"yes"}]}}]})") +
            Text("!", kStop));
  EXPECT_THAT(parsed.pieces, ElementsAre("yes", "!"));
  EXPECT_EQ(parsed.finish_reason, "STOP");
}

TEST(GeminiParser, TextWithAnotherMeaningIsNotTheAnswer) {
  EXPECT_EQ(Parse(Event(R"({"text":"no","candidates":[{"text":"no","content":{"text":"no",)"
                        R"("parts":[{"a":{"text":"no"},"text":"yes"}]},"finishReason":"STOP",)"
                        R"("safetyRatings":[{"text":"no","finishReason":"OTHER"}]}]})"))
                .text(),
            "yes");
}

TEST(GeminiParser, EveryFinishReasonHasItsEnd) {
  const struct {
    const char* reason;
    const char* error;
  } kRows[] = {
      {"STOP", ""},
      {"MAX_TOKENS", ""},
      {"SAFETY", "CONTENT_BLOCKED"},
      {"RECITATION", "CONTENT_BLOCKED"},
      {"LANGUAGE", "CONTENT_BLOCKED"},
      {"BLOCKLIST", "CONTENT_BLOCKED"},
      {"PROHIBITED_CONTENT", "CONTENT_BLOCKED"},
      {"SPII", "CONTENT_BLOCKED"},
      {"IMAGE_SAFETY", "CONTENT_BLOCKED"},
      {"IMAGE_RECITATION", "CONTENT_BLOCKED"},
      {"IMAGE_PROHIBITED_CONTENT", "CONTENT_BLOCKED"},
      {"MODEL_ARMOR", "CONTENT_BLOCKED"},
      {"OTHER", "UPSTREAM_PROTOCOL"},
      {"MALFORMED_FUNCTION_CALL", "UPSTREAM_PROTOCOL"},
      {"UNEXPECTED_TOOL_CALL", "UPSTREAM_PROTOCOL"},
      {"SOMETHING_NEW", "UPSTREAM_PROTOCOL"},
      {"FINISH_REASON_UNSPECIFIED", "UPSTREAM_PROTOCOL"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.reason);
    const Parsed parsed = Parse(Text("a") + Text("b", R"(,"finishMessage":"why","finishReason":")" +
                                                          std::string(row.reason) + "\""));
    EXPECT_EQ(parsed.text(), "ab");
    EXPECT_EQ(parsed.error, row.error);
    if (parsed.error.empty()) {
      EXPECT_EQ(parsed.finish_reason, row.reason);
    } else if (std::string(row.reason) != "FINISH_REASON_UNSPECIFIED") {
      EXPECT_THAT(parsed.message, HasSubstr(row.reason));
      EXPECT_THAT(parsed.message, HasSubstr("why"));
    }
  }
}

TEST(GeminiParser, ABlockedPromptIsContentBlocked) {
  const Parsed parsed =
      Parse(Event(R"({"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{}})"));
  EXPECT_EQ(parsed.error, "CONTENT_BLOCKED");
  EXPECT_THAT(parsed.message, HasSubstr("prompt: PROHIBITED_CONTENT"));
}

TEST(GeminiParser, AnEmptyAnswerIsAnError) {
  const Parsed stop = Parse(Text("", kStop));
  EXPECT_EQ(stop.error, "UPSTREAM_PROTOCOL");
  EXPECT_THAT(stop.message, HasSubstr("empty answer"));
  const Parsed cut = Parse(Event(R"({"candidates":[{"finishReason":"MAX_TOKENS","index":0}]})"));
  EXPECT_EQ(cut.error, "UPSTREAM_PROTOCOL");
  EXPECT_THAT(cut.message, HasSubstr("max_tokens"));
}

TEST(GeminiParser, AnEndWithoutAFinishReasonIsAnError) {
  const Parsed parsed = Parse(Text("a") + Text("b"));
  EXPECT_EQ(parsed.text(), "ab");
  EXPECT_EQ(parsed.error, "UPSTREAM_PROTOCOL");
  EXPECT_THAT(parsed.message, HasSubstr("without a finish reason"));
  EXPECT_EQ(Parse("").error, "UPSTREAM_PROTOCOL");
}

const char kPretty[] =
    "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"The model is overloaded.\",\n"
    "    \"status\": \"UNAVAILABLE\"\n  }\n}\n";

TEST(GeminiParser, AnErrorInMidStreamIsSeenInEveryShape) {
  const std::string frame =
      R"({"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}})";
  for (const std::string& error :
       {Event(frame), frame, frame + "\n", std::string(kPretty), "[" + frame + "]\n"}) {
    for (const std::string& before : {Text("a"), Text("a", kStop)}) {
      SCOPED_TRACE(before + error);
      const Parsed parsed = Parse(before + error);
      EXPECT_EQ(parsed.text(), "a");
      EXPECT_EQ(parsed.error, "UPSTREAM_UNAVAILABLE");
      EXPECT_THAT(parsed.message, HasSubstr("The model is overloaded."));
    }
  }
}

TEST(GeminiParser, APlainErrorIsSeenBeforeTheBodyEnds) {
  const config::Target target = Target();
  std::vector<std::string> pieces;
  EXPECT_FALSE(GeminiParser(target, true)->Feed(kPretty, pieces).ok());
}

TEST(GeminiParser, TheCodeOfAnErrorFrameDecides) {
  const Parsed parsed =
      Parse(Event(R"({"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}})"));
  EXPECT_EQ(parsed.error, "UPSTREAM_QUOTA");
}

TEST(GeminiParser, AnErrorThatIsNullIsNone) {
  EXPECT_EQ(Parse(Event(R"({"error":null})") + Text("a", kStop)).error, "");
}

TEST(GeminiParser, AJsonArrayIsRefusedWithAHint) {
  const Parsed parsed = Parse("[{\n  \"candidates\": [\n    {}\n  ]\n}\n,\n{\n}\n]\n");
  EXPECT_EQ(parsed.error, "UPSTREAM_PROTOCOL");
  EXPECT_THAT(parsed.message, HasSubstr("alt=sse"));
}

TEST(GeminiParser, GarbageIsQuotedShortAndClean) {
  const std::string rubbish = "<html>\xFF" + std::string(5000, 'x');
  const Parsed parsed = Parse(rubbish.substr(0, 300));
  EXPECT_EQ(parsed.error, "UPSTREAM_PROTOCOL");
  EXPECT_THAT(parsed.message, HasSubstr("<html>\xEF\xBF\xBDxxx"));
  EXPECT_LT(parsed.message.size(), 300u);
}

TEST(GeminiParser, BrokenFramesAreErrors) {
  for (const char* frame :
       {"{", "[]", "null", "7", "\"text\"", "not json",
        R"({"candidates":[{"content":{"parts":[{"text":"lost)", R"({"a":"\ud800"})",
        R"({"a":"\ud800 "})", R"({} {})", R"({"a":1e999999})"}) {
    SCOPED_TRACE(frame);
    const Parsed parsed = Parse(Text("a") + Event(frame) + Text("b", kStop));
    EXPECT_EQ(parsed.error, "UPSTREAM_PROTOCOL");
    EXPECT_EQ(parsed.text(), "a");
  }
}

TEST(GeminiParser, DeepNestingIsRefused) {
  const config::Target target = Target();
  const std::string deep = "{\"a\":" + std::string(1 << 20, '[');
  EXPECT_EQ(ParseChunks(*GeminiParser(target, true), {Event(deep)}).error, "UPSTREAM_PROTOCOL");
  EXPECT_EQ(ParseChunks(*GeminiParser(target, true), {std::string(1 << 20, '[') + "\n"}).error,
            "UPSTREAM_PROTOCOL");
}

TEST(GeminiParser, BrokenUtf8IsRepaired) {
  EXPECT_EQ(Parse(Text("a\xFF\xFE") + Text("b", kStop)).text(),
            "a\xEF\xBF\xBD\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(Parse(Text(R"(a\udc00b)", kStop)).text(),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(Parse(Text(R"(\ud83d\ude00\u0000)", kStop)).text(),
            std::string("\xF0\x9F\x98\x80\0", 5));
}

TEST(GeminiParser, TheModelsNameIsShortUtf8) {
  const std::string frame = R"({"candidates":[{"content":{"parts":[{"text":"a"}]},)"
                            R"("finishReason":"STOP"}],"modelVersion":")";
  EXPECT_EQ(Parse(Event(frame + "gem\xFFini\"}")).model, "gem\uFFFDini");
  EXPECT_EQ(Parse(frame + std::string(2000, 'm') + "\"}", false).model.size(), 1024);
}

TEST(GeminiParser, ACodePointThatTwoFramesShareIsJoined) {
  EXPECT_THAT(Parse(Text("a\xEC\x84") + Text("\x9C") + Text("b", kStop)).pieces,
              ElementsAre("a", "서", "b"));
  EXPECT_THAT(Parse(Text("a") + Text("\xEC\x84", kStop)).pieces, ElementsAre("a", "\xEF\xBF\xBD"));
}

TEST(GeminiParser, ReadsAUnaryResponse) {
  const Parsed parsed = Parse(R"({
  "candidates": [{"content": {"parts": [{"text": "hm", "thought": true}, {"text": "서울"}]},
                  "finishReason": "STOP"}],
  "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3},
  "modelVersion": "m"
})",
                              false);
  EXPECT_THAT(parsed.pieces, ElementsAre("서울"));
  EXPECT_EQ(parsed.finish_reason, "STOP");
  EXPECT_EQ(parsed.usage, "1/2/0/3");
  EXPECT_EQ(parsed.model, "m");
}

TEST(GeminiParser, UnaryResponsesFailAsStreamsDo) {
  EXPECT_EQ(Parse(R"({"promptFeedback":{"blockReason":"SAFETY"}})", false).error,
            "CONTENT_BLOCKED");
  EXPECT_EQ(Parse(R"({"candidates":[{"finishReason":"MAX_TOKENS"}]})", false).error,
            "UPSTREAM_PROTOCOL");
  EXPECT_EQ(Parse("<html>", false).error, "UPSTREAM_PROTOCOL");
  EXPECT_EQ(Parse("", false).error, "UPSTREAM_PROTOCOL");
  EXPECT_EQ(Parse(kPretty, false).error, "UPSTREAM_UNAVAILABLE");
}

}  // namespace
}  // namespace luna::llm
