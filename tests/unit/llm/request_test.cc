#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/llm/gemini.h"
#include "server/llm/openai.h"

namespace luna::llm {
namespace {

using testing::ElementsAre;

Prompt Conversation() {
  Prompt prompt;
  prompt.system = "Be \"kind\".";
  prompt.messages = {{Message::Role::kUser, "안녕"},
                     {Message::Role::kModel, "hi\n"},
                     {Message::Role::kUser, "bye"}};
  return prompt;
}

TEST(GeminiRequest, IsWhatTheApiExpects) {
  config::Target target;
  target.url = "https://host/v1beta";
  target.model = "gemini-2.5-flash";
  target.key = "k";
  target.thinking_budget = 0;
  target.safety_settings = {{"HARM_CATEGORY_HARASSMENT", "BLOCK_NONE"}};
  const net::HttpRequest request = GeminiRequest(target, Conversation());
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url,
            "https://host/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse");
  EXPECT_THAT(request.headers, ElementsAre("Content-Type: application/json", "x-goog-api-key: k"));
  EXPECT_EQ(
      request.body,
      R"({"systemInstruction":{"parts":[{"text":"Be \"kind\"."}]},)"
      R"("contents":[{"role":"user","parts":[{"text":"안녕"}]},)"
      R"({"role":"model","parts":[{"text":"hi\n"}]},{"role":"user","parts":[{"text":"bye"}]}],)"
      R"("generationConfig":{"temperature":0.85,"topP":0.95,"maxOutputTokens":1024,)"
      R"("thinkingConfig":{"thinkingBudget":0}},)"
      R"("safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}]})");
}

TEST(GeminiRequest, HasOnlyWhatIsConfigured) {
  config::Target target;
  target.url = "https://host/v1beta";
  target.model = "m";
  Prompt prompt;
  prompt.messages = {{Message::Role::kUser, "hi"}};
  prompt.stream = false;
  EXPECT_EQ(GeminiRequest(target, prompt).url, "https://host/v1beta/models/m:generateContent");
  EXPECT_EQ(GeminiRequest(target, prompt).body,
            R"({"contents":[{"role":"user","parts":[{"text":"hi"}]}],)"
            R"("generationConfig":{"temperature":0.85,"topP":0.95,"maxOutputTokens":1024}})");
  target.thinking_level = "low";
  EXPECT_EQ(GeminiRequest(target, prompt).body,
            R"({"contents":[{"role":"user","parts":[{"text":"hi"}]}],)"
            R"("generationConfig":{"temperature":0.85,"topP":0.95,"maxOutputTokens":1024,)"
            R"("thinkingConfig":{"thinkingLevel":"low"}}})");
}

TEST(OpenAiRequest, IsWhatTheApiExpects) {
  config::Target target;
  target.url = "http://localhost:8080";
  target.model = "Luna";
  target.key = "k";
  const net::HttpRequest request = OpenAiRequest(target, Conversation());
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "http://localhost:8080/v1/chat/completions");
  EXPECT_THAT(request.headers,
              ElementsAre("Content-Type: application/json", "Authorization: Bearer k"));
  EXPECT_EQ(request.body,
            R"({"model":"Luna","messages":[{"role":"system","content":"Be \"kind\"."},)"
            R"({"role":"user","content":"안녕"},{"role":"assistant","content":"hi\n"},)"
            R"({"role":"user","content":"bye"}],"stream":true,)"
            R"("stream_options":{"include_usage":true},"temperature":0.85,"top_p":0.95,)"
            R"("max_tokens":1024})");
}

TEST(OpenAiRequest, WithoutAKeyOrAStream) {
  config::Target target;
  target.url = "http://localhost:11434/v1";
  target.model = "Luna";
  Prompt prompt;
  prompt.messages = {{Message::Role::kUser, "hi"}};
  prompt.stream = false;
  const net::HttpRequest request = OpenAiRequest(target, prompt);
  EXPECT_EQ(request.url, "http://localhost:11434/v1/chat/completions");
  EXPECT_THAT(request.headers, ElementsAre("Content-Type: application/json"));
  EXPECT_EQ(request.body,
            R"({"model":"Luna","messages":[{"role":"user","content":"hi"}],"stream":false,)"
            R"("temperature":0.85,"top_p":0.95,"max_tokens":1024})");
}

Prompt Particular() {
  Prompt prompt;
  prompt.messages = {{Message::Role::kUser, "hi"}};
  prompt.stream = false;
  prompt.model = "a/b:1 ?";
  prompt.temperature = 0.25;
  prompt.top_p = 0.5;
  prompt.max_tokens = 9;
  prompt.stop = {"\n", "끝"};
  prompt.seed = -7;
  return prompt;
}

TEST(GeminiRequest, TheModelAndTheSamplingOfThePromptBeatTheTargets) {
  config::Target target;
  target.url = "https://host/v1beta";
  target.model = "gemini-2.5-flash";
  target.thinking_budget = 0;
  const net::HttpRequest request = GeminiRequest(target, Particular());
  EXPECT_EQ(request.url, "https://host/v1beta/models/a%2fb%3a1%20%3f:generateContent");
  EXPECT_EQ(request.body,
            R"({"contents":[{"role":"user","parts":[{"text":"hi"}]}],)"
            R"("generationConfig":{"temperature":0.25,"topP":0.5,"maxOutputTokens":9,)"
            R"("stopSequences":["\n","끝"],"seed":-7}})");
}

TEST(OpenAiRequest, TheModelAndTheSamplingOfThePromptBeatTheTargets) {
  config::Target target;
  target.url = "http://localhost:8080";
  target.model = "Luna";
  EXPECT_EQ(OpenAiRequest(target, Particular()).body,
            R"({"model":"a/b:1 ?","messages":[{"role":"user","content":"hi"}],"stream":false,)"
            R"("temperature":0.25,"top_p":0.5,"max_tokens":9,"stop":["\n","끝"],"seed":-7})");
}

Prompt Choosing() {
  Prompt prompt;
  prompt.messages = {{Message::Role::kUser, "hi"}};
  prompt.stream = false;
  prompt.choice = Choice{.key = "mood", .values = {"good", "bad"}, .number_key = "sure"};
  prompt.temperature = 0;
  return prompt;
}

TEST(GeminiRequest, RestrictsAnAnswerByItsSchema) {
  config::Target target;
  target.url = "https://host/v1beta";
  target.model = "m";
  EXPECT_EQ(GeminiRequest(target, Choosing()).body,
            R"({"contents":[{"role":"user","parts":[{"text":"hi"}]}],)"
            R"("generationConfig":{"temperature":0.0,"topP":0.95,"maxOutputTokens":1024,)"
            R"("responseMimeType":"application/json","responseSchema":{"type":"OBJECT",)"
            R"("properties":{"mood":{"type":"STRING","enum":["good","bad"]},)"
            R"("sure":{"type":"NUMBER"}},"required":["mood","sure"]}}})");
}

TEST(OpenAiRequest, RestrictsAnAnswerByItsSchema) {
  config::Target target;
  target.url = "http://localhost:8080";
  target.model = "m";
  EXPECT_EQ(
      OpenAiRequest(target, Choosing()).body,
      R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":false,)"
      R"("temperature":0.0,"top_p":0.95,"max_tokens":1024,"response_format":)"
      R"({"type":"json_schema","json_schema":{"name":"mood","strict":true,"schema":)"
      R"({"type":"object","properties":{"mood":{"type":"string","enum":["good","bad"]},)"
      R"("sure":{"type":"number"}},"required":["mood","sure"],"additionalProperties":false}}}})");
}

}  // namespace
}  // namespace luna::llm
