#include "server/interaction/prompt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace luna {
namespace {

class PromptTest : public testing::Test {
 protected:
  PromptTest() { config_.system_prompt = "너는 루나야."; }

  void Said(const std::string& text, const std::string& answer) {
    memory::Told& turn = context_.turns.emplace_back();
    turn.input = text;
    turn.answer = answer;
  }

  // Every message as `role: text`.
  std::vector<std::string> Messages() {
    std::vector<std::string> messages;
    for (const auto& message : MakePrompt(config_, context_, "지금", true).messages) {
      const bool user = message.role == llm::Message::Role::kUser;
      messages.push_back((user ? "user: " : "model: ") + message.text);
    }
    return messages;
  }

  config::Config config_;
  memory::Context context_;
};

TEST_F(PromptTest, WithoutAPastIsTheInputAlone) {
  EXPECT_THAT(Messages(), testing::ElementsAre("user: 지금"));
  EXPECT_EQ(MakePrompt(config_, context_, "지금", true).system, "너는 루나야.");
}

TEST_F(PromptTest, TellsThePastInItsOrder) {
  Said("하나", "둘");
  Said("셋", "넷");
  EXPECT_THAT(Messages(), testing::ElementsAre("user: 하나", "model: 둘", "user: 셋", "model: 넷",
                                               "user: 지금"));
}

TEST_F(PromptTest, WithFeedsModelThePastIsToldInTranslation) {
  Said("하나", "둘");
  context_.turns.back().translation = "one";
  Said("셋", "넷");
  EXPECT_THAT(Messages(), testing::Contains("user: 하나"));
  config_.translation.feeds_model = true;
  EXPECT_THAT(Messages(), testing::ElementsAre("user: one", "model: 둘", "user: 셋", "model: 넷",
                                               "user: 지금"));
}

TEST_F(PromptTest, ASummaryStandsBehindThePersona) {
  context_.summary = "민수는 고양이를 키운다.";
  EXPECT_EQ(MakePrompt(config_, context_, "지금", true).system,
            "너는 루나야.\n\n지금까지의 대화 요약:\n민수는 고양이를 키운다.");
  config_.memory.summary_language = "english";
  config_.system_prompt.clear();
  EXPECT_EQ(MakePrompt(config_, context_, "지금", true).system,
            "Summary of the conversation so far:\n민수는 고양이를 키운다.");
}

}  // namespace
}  // namespace luna
