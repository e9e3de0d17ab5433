#include "server/interaction/chunker.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace luna {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

// Time is what the test says.
class ChunkerTest : public testing::Test {
 protected:
  std::vector<std::string> Push(Chunker& chunker, const std::string& text) {
    std::vector<std::string> chunks;
    chunker.Push(text, now_, chunks);
    return chunks;
  }
  std::vector<std::string> ReleaseAt(Chunker& chunker, milliseconds later) {
    now_ += later;
    std::vector<std::string> chunks;
    chunker.Release(now_, chunks);
    return chunks;
  }
  static std::vector<std::string> Finish(Chunker& chunker) {
    std::vector<std::string> chunks;
    chunker.Finish(chunks);
    return chunks;
  }

  config::Stream options_;
  net::TimePoint now_{std::chrono::hours(1)};
};

TEST_F(ChunkerTest, SendsWords) {
  Chunker chunker(options_);
  EXPECT_THAT(Push(chunker, "인공지능의 미래"), ElementsAre("인공지능의"));
  EXPECT_THAT(Push(chunker, "는 매우"), ElementsAre(" 미래는"));
  EXPECT_THAT(Finish(chunker), ElementsAre(" 매우"));
}

TEST_F(ChunkerTest, HoldsAGrowingWordForSoLongAndNoLonger) {
  Chunker chunker(options_);
  EXPECT_THAT(Push(chunker, "안녕"), IsEmpty());
  EXPECT_EQ(chunker.due(), now_ + milliseconds(100));
  EXPECT_THAT(ReleaseAt(chunker, milliseconds(99)), IsEmpty());
  EXPECT_THAT(Push(chunker, "하"), IsEmpty());  // does not start the clock anew
  EXPECT_THAT(ReleaseAt(chunker, milliseconds(1)), ElementsAre("안녕하"));
  EXPECT_EQ(chunker.due(), net::kForever);
  EXPECT_THAT(Push(chunker, "세요"), IsEmpty());
  EXPECT_EQ(chunker.due(), now_ + milliseconds(100));
  EXPECT_THAT(Finish(chunker), ElementsAre("세요"));
}

TEST_F(ChunkerTest, WithoutALimitABufferWaitsForItsWords) {
  options_.buffer = {3, milliseconds(0)};
  Chunker chunker(options_);
  EXPECT_THAT(Push(chunker, "하나 둘 "), IsEmpty());
  EXPECT_THAT(ReleaseAt(chunker, std::chrono::hours(1)), IsEmpty());
  EXPECT_THAT(Push(chunker, "셋 넷"), ElementsAre("하나 둘 셋"));
  EXPECT_THAT(Finish(chunker), ElementsAre(" 넷"));
}

TEST_F(ChunkerTest, ANewWordStartsTheClockAnew) {
  Chunker chunker(options_);
  Push(chunker, "가");
  now_ += milliseconds(60);
  EXPECT_THAT(Push(chunker, " 나"), ElementsAre("가"));
  EXPECT_EQ(chunker.due(), now_ + milliseconds(100));
}

TEST_F(ChunkerTest, SendsRawPiecesAsTheyCome) {
  options_.chunking = config::Stream::Chunking::kRaw;
  Chunker chunker(options_);
  EXPECT_THAT(Push(chunker, "인공 지"), ElementsAre("인공 지"));
  EXPECT_THAT(Push(chunker, "능"), ElementsAre("능"));
  EXPECT_EQ(chunker.due(), net::kForever);
  EXPECT_THAT(Finish(chunker), IsEmpty());
}

TEST_F(ChunkerTest, SendsSeveralWordsAtOnce) {
  options_.buffer = {3, milliseconds(50)};
  Chunker chunker(options_);
  EXPECT_THAT(Push(chunker, "a b c d e f g h"), ElementsAre("a b c", " d e f"));
  EXPECT_THAT(Finish(chunker), ElementsAre(" g h"));
}

TEST_F(ChunkerTest, SendsFewerWordsOnceTheyHaveWaited) {
  options_.buffer = {3, milliseconds(50)};
  Chunker chunker(options_);
  EXPECT_THAT(Push(chunker, "a b "), IsEmpty());
  EXPECT_THAT(ReleaseAt(chunker, milliseconds(50)), ElementsAre("a"));
  EXPECT_THAT(ReleaseAt(chunker, milliseconds(50)), IsEmpty());
  EXPECT_THAT(Finish(chunker), ElementsAre(" b "));
}

}  // namespace
}  // namespace luna
