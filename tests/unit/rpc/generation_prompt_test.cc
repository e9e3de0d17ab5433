#include "server/rpc/generation_prompt.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "server/base/error.h"

namespace luna::rpc {
namespace {

using Role = llm::Message::Role;
using testing::StartsWith;

v1::GenerateRequest Ask(const std::vector<std::pair<std::string, std::string>>& messages) {
  v1::GenerateRequest request;
  request.set_language("en");
  for (const auto& [role, content] : messages) {
    v1::ChatMessage& message = *request.add_messages();
    message.set_role(role);
    message.set_content(content);
  }
  return request;
}

std::string Told(const llm::Prompt& prompt) {
  std::string told = prompt.system;
  for (const llm::Message& message : prompt.messages) {
    told += (message.role == Role::kUser ? "|user:" : "|model:") + message.text;
  }
  return told;
}

TEST(GenerationPrompt, TakesAllFormsOfAPrompt) {
  v1::GenerateRequest request;
  request.set_input("안녕");
  EXPECT_EQ(Told(*PromptOf(request, true)), "|user:안녕");
  request.clear_input();
  request.set_user_prompt("hi");
  request.set_system_prompt("Be kind.");
  EXPECT_EQ(Told(*PromptOf(request, true)), "Be kind.|user:hi");
}

TEST(GenerationPrompt, GathersWhatTheModelIsAndAlternatesTheTurns) {
  v1::GenerateRequest request = Ask({{"system", "a"},
                                     {"user", "1"},
                                     {"user", "2"},
                                     {"developer", "b"},
                                     {"assistant", "3"},
                                     {"system", ""},
                                     {"assistant", "4"},
                                     {"user", "5"}});
  EXPECT_EQ(Told(*PromptOf(request, true)), "a\n\nb|user:1\n\n2|model:3\n\n4|user:5");
  request.set_system_prompt("z");
  EXPECT_EQ(Told(*PromptOf(request, true)), "z\n\na\n\nb|user:1\n\n2|model:3\n\n4|user:5");
}

TEST(GenerationPrompt, PassesOnWhatIsSetAndNothingElse) {
  v1::GenerateRequest request = Ask({{"user", "hi"}});
  llm::Prompt prompt = *PromptOf(request, false);
  EXPECT_FALSE(prompt.stream);
  EXPECT_FALSE(prompt.temperature || prompt.top_p || prompt.max_tokens || prompt.seed);
  EXPECT_EQ(prompt.model + prompt.system, "");
  EXPECT_TRUE(prompt.stop.empty());
  request.set_model("m");
  request.set_temperature(0);
  request.set_top_p(1);
  request.set_max_tokens(1);
  request.set_seed(-1);
  request.add_stop("\n");
  prompt = *PromptOf(request, true);
  EXPECT_TRUE(prompt.stream);
  EXPECT_EQ(prompt.model, "m");
  EXPECT_EQ(prompt.temperature, 0);
  EXPECT_EQ(prompt.top_p, 1);
  EXPECT_EQ(prompt.max_tokens, 1);
  EXPECT_EQ(prompt.seed, -1);
  EXPECT_THAT(prompt.stop, testing::ElementsAre("\n"));
}

TEST(GenerationPrompt, NamesTheFieldThatIsWrong) {
  using Change = std::function<void(v1::GenerateRequest&)>;
  const std::vector<std::pair<std::string, Change>> table = {
      {"temperature: ", [](auto& r) { r.set_temperature(2.1); }},
      {"temperature: ", [](auto& r) { r.set_temperature(-0.1); }},
      {"temperature: ", [](auto& r) { r.set_temperature(std::nan("")); }},
      {"top_p: ", [](auto& r) { r.set_top_p(1.1); }},
      {"max_tokens: ", [](auto& r) { r.set_max_tokens(0); }},
      {"stop: more than 4",
       [](auto& r) {
         for (int i = 0; i < 5; ++i) r.add_stop("x");
       }},
      {"stop[1]: ", [](auto& r) { r.add_stop("x"), r.add_stop(""); }},
      {"model: ", [](auto& r) { r.set_model(std::string(129, 'm')); }},
      {"user_id: ", [](auto& r) { r.set_user_id(std::string(129, 'u')); }},
      {"language: ", [](auto& r) { r.set_language("fr"); }},
      {"messages[1].role: ", [](auto& r) { r.add_messages()->set_role("tool"); }},
      {"messages: ", [](auto& r) { r.mutable_messages(0)->set_content(" \n"); }},
      {"messages: ", [](auto& r) { r.mutable_messages(0)->set_role("system"); }},
      {"messages: ", [](auto& r) { r.mutable_messages(0)->set_role("assistant"); }},
      {"expected one of messages", [](auto& r) { r.set_input("x"); }},
      {"expected one of messages", [](auto& r) { r.set_user_prompt("x"); }},
      {"expected one of messages", [](auto& r) { r.clear_messages(); }},
      {"input: ", [](auto& r) { r.clear_messages(), r.set_input(" "); }},
      {"user_prompt: ", [](auto& r) { r.clear_messages(), r.set_user_prompt("\n"); }},
  };
  for (const auto& [message, change] : table) {
    v1::GenerateRequest request = Ask({{"user", "hi"}});
    ASSERT_TRUE(PromptOf(request, true).ok());
    change(request);
    const absl::Status status = PromptOf(request, true).status();
    EXPECT_EQ(ErrorOf(status).code(), "INVALID_INPUT") << message;
    EXPECT_THAT(ErrorOf(status).message(), StartsWith(message));
  }
}

// Generation reads the one as the other.
TEST(GenerationPrompt, BothRequestsHaveTheSameFields) {
  const auto& unary = *v1::GenerateRequest::descriptor();
  const auto& stream = *v1::GenerateStreamRequest::descriptor();
  ASSERT_EQ(unary.field_count(), stream.field_count());
  for (int i = 0; i < unary.field_count(); ++i) {
    google::protobuf::FieldDescriptorProto one, other;
    unary.field(i)->CopyTo(&one);
    stream.field(i)->CopyTo(&other);
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(one, other)) << one.name();
  }
}

}  // namespace
}  // namespace luna::rpc
