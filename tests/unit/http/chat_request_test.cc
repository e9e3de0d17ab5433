#include "server/http/chat_request.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/error.h"

namespace luna::http {
namespace {

using testing::StartsWith;

// A body that has `more` beside its messages.
std::string With(const std::string& more) {
  return R"({"messages": [{"role": "user", "content": "안녕"}])" + more + "}";
}

std::string Messages(const std::string& messages) { return R"({"messages": )" + messages + "}"; }

std::string Text(const ChatRequest& chat) { return chat.generate.ShortDebugString(); }

TEST(ChatRequest, ReadsWhatLunaCanHonour) {
  const auto chat = ReadChatRequest(With(
      R"(, "model": "gemini", "temperature": 0.7, "top_p": 1, "max_tokens": 5, "seed": 7,
         "stop": ["a", "b"], "user": "na", "stream": true,
         "stream_options": {"include_usage": true})"));
  ASSERT_TRUE(chat.ok()) << chat.status();
  EXPECT_TRUE(chat->stream);
  EXPECT_TRUE(chat->include_usage);
  const v1::GenerateRequest& request = chat->generate;
  EXPECT_EQ(request.target(), "gemini");
  EXPECT_EQ(request.user_id(), "na");
  EXPECT_EQ(request.language(), "en");
  EXPECT_EQ(request.temperature(), 0.7);
  EXPECT_EQ(request.top_p(), 1);
  EXPECT_EQ(request.max_tokens(), 5);
  EXPECT_EQ(request.seed(), 7);
  EXPECT_THAT(request.stop(), testing::ElementsAre("a", "b"));
  ASSERT_EQ(request.messages_size(), 1);
  EXPECT_EQ(request.messages(0).role(), "user");
  EXPECT_EQ(request.messages(0).content(), "안녕");
}

TEST(ChatRequest, LeavesOutWhatIsLeftOut) {
  const auto chat = ReadChatRequest(With(""));
  ASSERT_TRUE(chat.ok());
  EXPECT_FALSE(chat->stream || chat->include_usage);
  EXPECT_FALSE(chat->generate.has_temperature() || chat->generate.has_top_p() ||
               chat->generate.has_max_tokens() || chat->generate.has_seed());
  const auto null = ReadChatRequest(
      With(R"(, "model": null, "temperature": null, "top_p": null, "max_tokens": null, "seed": null,
              "max_completion_tokens": null, "stop": null, "user": null, "stream": null,
              "stream_options": null, "tools": null, "n": null, "audio": null)"));
  ASSERT_TRUE(null.ok()) << null.status();
  EXPECT_EQ(Text(*null), Text(*chat));
}

TEST(ChatRequest, TheNewerNameOfMaxTokensCounts) {
  EXPECT_EQ(ReadChatRequest(With(R"(, "max_completion_tokens": 3, "max_tokens": 9)"))
                ->generate.max_tokens(),
            3);
}

TEST(ChatRequest, ReadsOneStop) {
  EXPECT_THAT(ReadChatRequest(With(R"(, "stop": "\n")"))->generate.stop(),
              testing::ElementsAre("\n"));
}

TEST(ChatRequest, JoinsPartsOfText) {
  const auto chat =
      ReadChatRequest(Messages(R"([{"role": "system", "content": [{"type": "text", "text": "가"},
                                                  {"type": "text", "text": "나"}]},
                   {"role": "assistant", "content": [], "tool_calls": [], "name": "x"},
                   {"role": "user", "content": ""}])"));
  ASSERT_TRUE(chat.ok()) << chat.status();
  EXPECT_EQ(chat->generate.messages(0).content(), "가나");
  EXPECT_EQ(chat->generate.messages(1).content(), "");
  EXPECT_EQ(chat->generate.messages(2).role(), "user");
}

TEST(ChatRequest, IgnoresWhatItDoesNotKnow) {
  const auto chat = ReadChatRequest(With(
      R"(, "top_k": 5, "metadata": {"a": 1}, "store": true, "service_tier": "auto", "x": [1],
         "parallel_tool_calls": true, "stream_options": {"include_obfuscation": false})"));
  ASSERT_TRUE(chat.ok()) << chat.status();
  EXPECT_EQ(Text(*chat), Text(*ReadChatRequest(With(""))));
}

TEST(ChatRequest, TakesTheValueThatChangesNothing) {
  for (const char* field :
       {R"("tools": [])", R"("tool_choice": "none")", R"("tool_choice": "auto")",
        R"("functions": [])", R"("function_call": "none")", R"("n": 1)",
        R"("response_format": {"type": "text"})", R"("logprobs": false)", R"("top_logprobs": 0)",
        R"("logit_bias": {})", R"("presence_penalty": 0)", R"("frequency_penalty": 0.0)",
        R"("modalities": ["text"])"}) {
    EXPECT_TRUE(ReadChatRequest(With(", " + std::string(field))).ok()) << field;
  }
}

TEST(ChatRequest, RefusesByNameWhatWouldChangeTheAnswer) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"tools", R"([{"type": "function", "function": {"name": "f"}}])"},
      {"tool_choice", R"("required")"},
      {"tool_choice", R"({"type": "function"})"},
      {"functions", R"([{"name": "f"}])"},
      {"function_call", R"({"name": "f"})"},
      {"n", "2"},
      {"n", "0"},
      {"n", "1.5"},
      {"response_format", R"({"type": "json_object"})"},
      {"response_format", R"({"type": "json_schema", "json_schema": {}})"},
      {"response_format", R"("text")"},
      {"logprobs", "true"},
      {"top_logprobs", "3"},
      {"logit_bias", R"({"5": 1})"},
      {"presence_penalty", "0.5"},
      {"frequency_penalty", "-0.5"},
      {"modalities", R"(["text", "audio"])"},
      {"modalities", R"(["audio"])"},
      {"audio", R"({"voice": "alloy"})"},
      {"web_search_options", "{}"},
      {"reasoning_effort", R"("low")"},
      {"verbosity", R"("low")"},
      {"grammar", R"("root ::= \"a\"")"},
      {"json_schema", R"({"type": "object"})"},
      {"guided_json", R"({"type": "object"})"},
      {"guided_regex", R"("a")"},
      {"guided_choice", R"(["a"])"},
      {"guided_grammar", R"("a")"},
  };
  for (const auto& [field, value] : table) {
    const auto chat = ReadChatRequest(With(", \"" + field + "\": " + value));
    ASSERT_FALSE(chat.ok()) << field << value;
    EXPECT_EQ(ErrorOf(chat.status()).code(), "INVALID_INPUT");
    EXPECT_EQ(ErrorOf(chat.status()).message(), field + ": luna does not support it; leave it out");
  }
}

TEST(ChatRequest, NamesTheFieldThatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"messages: ", "{}"},
      {"messages: ", Messages("[]")},
      {"messages: ", Messages("\"hi\"")},
      {"messages[0]: ", Messages("[1]")},
      {"messages[0].role: ", Messages(R"([{"content": "x"}])")},
      {"messages[0].role: ", Messages(R"([{"role": 1, "content": "x"}])")},
      {"messages[0].content: ", Messages(R"([{"role": "user"}])")},
      {"messages[0].content: ", Messages(R"([{"role": "user", "content": null}])")},
      {"messages[0].content: ", Messages(R"([{"role": "user", "content": 1}])")},
      {"messages[0].content: ", Messages(R"([{"role": "user", "content": "\udc00"}])")},
      {"messages[0].content[0]: ", Messages(R"([{"role": "user", "content": ["x"]}])")},
      {"messages[0].content[0].type: ", Messages(R"([{"role": "user", "content": [{}]}])")},
      {"messages[0].content[1].type: luna does not",
       Messages(R"([{"role": "user", "content": [{"type": "text", "text": "x"},
                 {"type": "image_url", "image_url": {"url": "http://x"}}]}])")},
      {"messages[0].content[0].type: luna does not",
       Messages(R"([{"role": "user", "content": [{"type": "input_audio"}]}])")},
      {"messages[0].content[0].text: ",
       Messages(R"([{"role": "user", "content": [{"type": "text"}]}])")},
      {"messages[0].content[0].text: ",
       Messages(R"([{"role": "user", "content": [{"type": "text", "text": 1}]}])")},
      {"messages[0].tool_calls: luna does not",
       Messages(R"([{"role": "assistant", "content": "x", "tool_calls": [{}]}])")},
      {"messages[0].function_call: luna does not",
       Messages(R"([{"role": "assistant", "content": "x", "function_call": {}}])")},
      {"model: ", With(R"(, "model": 1)")},
      {"user: ", With(R"(, "user": 1)")},
      {"temperature: ", With(R"(, "temperature": "hot")")},
      {"top_p: ", With(R"(, "top_p": true)")},
      {"max_tokens: ", With(R"(, "max_tokens": 1.5)")},
      {"max_completion_tokens: ", With(R"(, "max_completion_tokens": "5")")},
      {"seed: ", With(R"(, "seed": 4294967296)")},
      {"stop: ", With(R"(, "stop": 1)")},
      {"stop[1]: ", With(R"(, "stop": ["a", null])")},
      {"stream: ", With(R"(, "stream": 1)")},
      {"stream_options: ", With(R"(, "stream_options": true)")},
      {"include_usage: ", With(R"(, "stream_options": {"include_usage": 1})")},
      {"body: ", ""},
      {"body: ", "[]"},
      {"body: ", "{'messages': []}"},
      {"body: ", With("") + "x"},
      {"body: ", std::string("{\"messages\": \"\xFF\"}")},
      {"body: ", std::string(100000, '[')},
  };
  for (const auto& [message, body] : table) {
    const auto chat = ReadChatRequest(body);
    ASSERT_FALSE(chat.ok()) << body;
    EXPECT_EQ(ErrorOf(chat.status()).code(), "INVALID_INPUT");
    EXPECT_THAT(ErrorOf(chat.status()).message(), StartsWith(message)) << body;
  }
}

}  // namespace
}  // namespace luna::http
