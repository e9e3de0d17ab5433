#include "server/emotion/model.h"

#include <fstream>
#include <iterator>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/emotion/labels.h"

namespace luna::emotion {
namespace {

using testing::Contains;

std::string Shipped() {
  std::ifstream in(LUNA_MODEL, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(ModelOfTheProject, IsSmall) { EXPECT_LT(Shipped().size(), 8'000'000u); }

class ModelTest : public testing::Test {
 protected:
  static const Model& model() {
    static const std::shared_ptr<const Model> loaded = Model::Load(LUNA_MODEL).value();
    return *loaded;
  }
};

TEST_F(ModelTest, SaysTheBestLabelAndTheFiveBest) {
  const v1::Emotion emotion = model().Classify("너무 슬퍼서 계속 울었어 ㅠㅠㅠ");
  EXPECT_EQ(emotion.emotion(), "sadness");
  EXPECT_GT(emotion.confidence(), 0.3);
  EXPECT_LT(emotion.confidence(), 1);
  ASSERT_EQ(emotion.top_size(), 5);
  EXPECT_EQ(emotion.top(0).emotion(), "sadness");
  EXPECT_EQ(emotion.top(0).confidence(), emotion.confidence());
  for (int i = 1; i < 5; ++i)
    EXPECT_LE(emotion.top(i).confidence(), emotion.top(i - 1).confidence());
}

TEST_F(ModelTest, KnowsBothLanguages) {
  EXPECT_EQ(model().Classify("정말 감사합니다").emotion(), "gratitude");
  EXPECT_EQ(model().Classify("Thank you very much!").emotion(), "gratitude");
}

TEST_F(ModelTest, UnderstandsWhatIsNoWord) {
  EXPECT_EQ(model().Classify("ㅋㅋㅋㅋㅋㅋㅋ").emotion(), "amusement");
  EXPECT_EQ(model().Classify("😡😡").emotion(), "anger");
  EXPECT_EQ(model().Classify("ㅠㅠ").emotion(), "sadness");
  EXPECT_EQ(model().Classify("ㅎㅎ").emotion(), "joy");
  for (const char* text : {"!!", "！！", "‼️"}) {
    EXPECT_EQ(model().Classify(text).emotion(), "excitement") << text;
  }
}

TEST_F(ModelTest, UnderstandsWordsByTheirBeginning) {
  EXPECT_EQ(model().Classify("무서웠다니까요").emotion(), "fear");
  EXPECT_EQ(model().Classify("감사했었답니다").emotion(), "gratitude");
}

TEST_F(ModelTest, UnderstandsEmoji) {
  const std::pair<const char*, const char*> known[] = {
      {"🏆", "admiration"},
      {"🤭", "amusement"},
      {"💢", "anger"},
      {"🤦🏻‍♀️", "annoyance"},
      {"🙆", "approval"},
      {"🫂", "caring"},
      {"🤷‍♂️", "confusion"},
      {"🧐", "curiosity"},
      {"🤤", "desire"},
      {"🙁", "disappointment"},
      {"🙅", "disapproval"},
      {"💩", "disgust"},
      {"🫣", "embarrassment"},
      {"🎊", "excitement"},
      {"😨", "fear"},
      {"🙏🏽", "gratitude"},
      {"🪦", "grief"},
      {"😁", "joy"},
      {"🩷", "love"},
      {"😬", "nervousness"},
      {"🍀", "optimism"},
      {"🏅", "pride"},
      {"💡", "realization"},
      {"😌", "relief"},
      {"🥲", "sadness"},
      {"😲", "surprise"},
      {"😐", "neutral"},
  };
  for (const auto& [text, label] : known) {
    EXPECT_EQ(model().Classify(text).emotion(), label) << text;
  }
}

TEST_F(ModelTest, FindsOneLabelInWhatItDoesNotUnderstand) {
  for (const char* text :
       {"", " ", "。、，", "\xff", "我爱你", "qwxzv plofgrw", "뷁쒧뛟", "🪛"}) {
    const v1::Emotion emotion = model().Classify(text);
    EXPECT_EQ(emotion.emotion(), "neutral") << text;
    EXPECT_EQ(emotion.confidence(), 0.33) << text;
    EXPECT_EQ(emotion.top_size(), 1) << text;
  }
}

TEST_F(ModelTest, TakesNoLabelFromTheText) {
  EXPECT_NE(model().Classify("__label__grief 정말 감사합니다").emotion(), "grief");
}

TEST_F(ModelTest, ScoresAllLabels) {
  const auto scores = model().Scores("hello");
  ASSERT_EQ(scores.size(), kLabels.size());
  for (const absl::string_view label : kLabels) {
    EXPECT_THAT(scores,
                Contains(testing::Property(&v1::EmotionScore::emotion, std::string(label))));
  }
}

TEST_F(ModelTest, ReadsTheTwoEndsOfALongText) {
  const std::string middle(100'000, 'x');
  const std::string happy = "I am so happy! ";
  EXPECT_EQ(model()
                .Classify(happy + std::string(Model::kMostBytes, ' ') + middle +
                          std::string(Model::kMostBytes, ' ') + happy)
                .emotion(),
            "joy");
}

TEST_F(ModelTest, IsSharedByThreads) {
  const v1::Emotion alone = model().Classify("무서워서 잠을 못 자겠어");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) {
        EXPECT_EQ(model().Classify("무서워서 잠을 못 자겠어").confidence(), alone.confidence());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Calibration, KeepsTheOrder) {
  const Model::Calibration calibration{.slope = 0.6, .offset = 0.2};
  double last = 0;
  for (const double p : {0.0, 0.01, 0.3, 0.5, 0.9, 1.0}) {
    EXPECT_GT(calibration.Apply(p), last);
    last = calibration.Apply(p);
  }
  EXPECT_LT(last, 1);
  EXPECT_NEAR(Model::Calibration().Apply(0.3), 0.3, 1e-9);
}

TEST(LanguageOf, GoesByHangul) {
  EXPECT_EQ(LanguageOf("hello 안녕"), "ko");
  EXPECT_EQ(LanguageOf("ㅋㅋ"), "ko");
  EXPECT_EQ(LanguageOf("hello"), "en");
  EXPECT_EQ(LanguageOf(""), "en");
}

}  // namespace
}  // namespace luna::emotion
