#include "server/http/openai_json.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "server/base/error.h"

namespace luna::http {
namespace {

const Completion kCompletion{.id = "r1", .created = 1700000000};
constexpr char kHead[] =
    R"({"id":"chatcmpl-r1","object":"chat.completion.chunk","created":1700000000,)"
    R"("model":"m\"1","choices":[)";

v1::GenerateStreamResponse Part(const std::string& content) {
  v1::GenerateStreamResponse part;
  part.set_model("m\"1");
  part.add_choices()->mutable_delta()->set_content(content);
  return part;
}

v1::GenerateStreamResponse Last() {
  v1::GenerateStreamResponse part = Part("");
  part.mutable_choices(0)->set_finish_reason("stop");
  v1::Usage& usage = *part.mutable_usage();
  usage.set_prompt_tokens(7);
  usage.set_completion_tokens(3);
  usage.set_thoughts_tokens(2);
  usage.set_total_tokens(12);
  return part;
}

TEST(OpenAiJson, WritesChunks) {
  EXPECT_EQ(ChunkJson(kCompletion, Part("안녕\n\u2028"), true, false),
            std::string(kHead) +
                R"({"index":0,"delta":{"role":"assistant","content":"안녕\n\u2028"},)"
                R"("finish_reason":null}]})");
  EXPECT_EQ(ChunkJson(kCompletion, Part("b"), false, false),
            std::string(kHead) + R"({"index":0,"delta":{"content":"b"},"finish_reason":null}]})");
  EXPECT_EQ(ChunkJson(kCompletion, Last(), false, false),
            std::string(kHead) + R"({"index":0,"delta":{},"finish_reason":"stop"}]})");
}

TEST(OpenAiJson, WritesTheUsageIntoAChunkOfItsOwn) {
  EXPECT_EQ(ChunkJson(kCompletion, Part("b"), false, true),
            std::string(kHead) +
                R"({"index":0,"delta":{"content":"b"},"finish_reason":null}],"usage":null})");
  EXPECT_EQ(UsageChunkJson(kCompletion, Last()),
            std::string(kHead) +
                R"(],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12,)"
                R"("completion_tokens_details":{"reasoning_tokens":2}}})");
}

TEST(OpenAiJson, WritesAWholeAnswer) {
  v1::GenerateResponse answer;
  answer.set_content("\"네\"");
  answer.set_finish_reason("length");
  answer.set_model("m");
  answer.mutable_usage()->set_prompt_tokens(1);
  answer.mutable_usage()->set_completion_tokens(2);
  EXPECT_EQ(CompletionJson(kCompletion, answer),
            R"({"id":"chatcmpl-r1","object":"chat.completion","created":1700000000,"model":"m",)"
            R"("choices":[{"index":0,"message":{"role":"assistant","content":"\"네\"",)"
            R"("refusal":null},"logprobs":null,"finish_reason":"length"}],)"
            R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,)"
            R"("completion_tokens_details":{"reasoning_tokens":0}}})");
}

std::string Error(ErrorCode code, const std::string& message) {
  return OpenAiErrorBody(ErrorOf(MakeError(code, message)));
}

TEST(OpenAiJson, WritesErrorsWithTheFieldThatTheyName) {
  EXPECT_EQ(Error(ErrorCode::kInvalidInput, "messages[0].role: \"x\""),
            R"({"error":{"message":"messages[0].role: \"x\"","type":"invalid_request_error",)"
            R"("param":"messages[0].role","code":"invalid_value"}})");
  for (const char* message : {"body: not JSON", "method: this path has POST", "no field", "x",
                              "Content-Type: expected application/json", "max_tokens", ""}) {
    EXPECT_NE(Error(ErrorCode::kInvalidInput, message).find(R"("param":null)"), std::string::npos)
        << message;
  }
}

TEST(OpenAiJson, GivesEachErrorItsTypeAndCode) {
  const auto end = [](const char* type, const char* param, const char* code) {
    return std::string(R"({"error":{"message":"a: b","type":")") + type + R"(","param":)" + param +
           R"(,"code":")" + code + "\"}}";
  };
  const char* request = "invalid_request_error";
  EXPECT_EQ(Error(ErrorCode::kUnauthenticated, "a: b"), end(request, "null", "invalid_api_key"));
  EXPECT_EQ(Error(ErrorCode::kUnknownTarget, "a: b"), end(request, "\"model\"", "model_not_found"));
  EXPECT_EQ(Error(ErrorCode::kInputTooLarge, "a: b"),
            end(request, "null", "context_length_exceeded"));
  EXPECT_EQ(Error(ErrorCode::kContentBlocked, "a: b"), end(request, "null", "content_filter"));
  EXPECT_EQ(Error(ErrorCode::kUpstreamAuth, "a: b"), end(request, "null", "UPSTREAM_AUTH"));
  EXPECT_EQ(Error(ErrorCode::kOverloaded, "a: b"),
            end("rate_limit_error", "null", "rate_limit_exceeded"));
  EXPECT_EQ(Error(ErrorCode::kUpstreamQuota, "a: b"),
            end("rate_limit_error", "null", "rate_limit_exceeded"));
  const absl::Status per_day = NotRetryable(MakeError(ErrorCode::kUpstreamQuota, "a: b"));
  EXPECT_EQ(OpenAiErrorBody(ErrorOf(per_day)),
            end("insufficient_quota", "null", "insufficient_quota"));
  EXPECT_EQ(Error(ErrorCode::kUpstreamTimeout, "a: b"),
            end("server_error", "null", "UPSTREAM_TIMEOUT"));
  EXPECT_EQ(Error(ErrorCode::kInternal, "a: b"), end("server_error", "null", "INTERNAL"));
}

TEST(OpenAiJson, APromptThatIsTooLongIsABadRequest) {
  EXPECT_EQ(OpenAiStatus(ErrorOf(MakeError(ErrorCode::kInputTooLarge, ""))), 400);
  EXPECT_EQ(OpenAiStatus(ErrorOf(MakeError(ErrorCode::kUnknownTarget, ""))), 404);
  EXPECT_EQ(OpenAiStatus(ErrorOf(MakeError(ErrorCode::kOverloaded, ""))), 429);
}

}  // namespace
}  // namespace luna::http
