#include "server/interaction/answer_key.h"

#include <functional>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace luna {
namespace {

// What a key is made from.
struct Asked {
  std::string user = "na";
  config::Target target;
  llm::Prompt prompt;

  Asked() {
    target.name = "main";
    target.url = "http://localhost:8080";
    target.model = "Luna";
    prompt.system = "너는 루나야.";
    prompt.messages = {{llm::Message::Role::kUser, "하나"},
                       {llm::Message::Role::kModel, "둘"},
                       {llm::Message::Role::kUser, "셋"}};
  }
  std::string Key() const { return AnswerKey(user, target, prompt); }
};

std::string KeyWith(const std::function<void(Asked&)>& change) {
  Asked asked;
  change(asked);
  return asked.Key();
}

TEST(AnswerKey, IsTheSameForTheSame) {
  EXPECT_EQ(Asked().Key(), Asked().Key());
  EXPECT_EQ(Asked().Key().size(), 32u);
}

TEST(AnswerKey, WhatMakesNoDifferenceToTheAnswerMakesNoneToTheKey) {
  const std::string key = Asked().Key();
  EXPECT_EQ(KeyWith([](Asked& a) { a.prompt.messages.back().text = "\t셋 \n"; }), key);
  EXPECT_EQ(KeyWith([](Asked& a) { a.prompt.messages.back().text = "\u1109\u1166\u11BA"; }), key);
  EXPECT_EQ(KeyWith([](Asked& a) { a.prompt.stream = false; }), key);
  EXPECT_EQ(KeyWith([](Asked& a) { a.target.stream = false; }), key);
  EXPECT_EQ(KeyWith([](Asked& a) { a.target.key = "another"; }), key);
  EXPECT_EQ(KeyWith([](Asked& a) { a.prompt.temperature = a.target.temperature; }), key);
}

TEST(AnswerKey, EveryPartCounts) {
  using Role = llm::Message::Role;
  const std::vector<std::function<void(Asked&)>> changes = {
      [](Asked&) {},
      [](Asked& a) { a.user = "Na"; },
      [](Asked& a) { a.target.name = "other"; },
      [](Asked& a) { a.target.api = config::Target::Api::kOpenAi; },
      [](Asked& a) { a.target.url = "http://localhost:8081"; },
      [](Asked& a) { a.target.model = "Luna2"; },
      [](Asked& a) { a.target.temperature = 0.8500001; },
      [](Asked& a) { a.prompt.temperature = 0; },
      [](Asked& a) { a.target.top_p = 0.9; },
      [](Asked& a) { a.target.max_tokens = 1000; },
      [](Asked& a) { a.target.thinking_budget = 0; },
      [](Asked& a) { a.target.thinking_level = "0"; },
      [](Asked& a) {
        a.target.safety_settings = {{"A", "B"}};
      },
      [](Asked& a) {
        a.target.safety_settings = {{"B", "A"}};
      },
      [](Asked& a) { a.prompt.system = "너는 해나야."; },
      [](Asked& a) { a.prompt.messages[0].text = "하나 "; },
      [](Asked& a) { a.prompt.messages[1].text = "셋"; },
      [](Asked& a) { a.prompt.messages[1].role = Role::kUser; },
      [](Asked& a) { a.prompt.messages[2].text = "셋?"; },
      [](Asked& a) { a.prompt.messages.erase(a.prompt.messages.begin()); },
      // The same text, cut elsewhere.
      [](Asked& a) { a.prompt.messages[0].text = "하나둘", a.prompt.messages[1].text = ""; },
      [](Asked& a) { a.user = "nam", a.target.name = "ain"; },
      [](Asked& a) { a.user = "na4:main"; },
      [](Asked& a) { a.prompt.messages.back().text = "Luna"; },
      [](Asked& a) { a.prompt.messages.back().text = "luna"; },
  };
  std::map<std::string, std::size_t> keys;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto [same, is_new] = keys.emplace(KeyWith(changes[i]), i);
    EXPECT_TRUE(is_new) << i << " is as " << same->second;
  }
}

}  // namespace
}  // namespace luna
