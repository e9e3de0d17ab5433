#include "server/emotion/llm.h"

#include <functional>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/error.h"
#include "server/emotion/labels.h"
#include "server/net/http_client.h"
#include "tests/support/raw_server.h"

namespace luna::emotion {
namespace {

using test::RawServer;
using testing::HasSubstr;

// Says `pride` of everything.
class Proud final : public EmotionClassifier {
 public:
  boost::asio::awaitable<absl::StatusOr<std::vector<v1::Emotion>>> Classify(
      std::vector<std::string> texts) override {
    std::vector<v1::Emotion> emotions(texts.size());
    for (v1::Emotion& emotion : emotions) emotion.set_emotion("pride");
    co_return emotions;
  }
};

class LlmClassifierTest : public testing::Test {
 protected:
  using Emotions = absl::StatusOr<std::vector<v1::Emotion>>;

  absl::StatusOr<v1::Emotion> Classify(const std::string& url,
                                       std::unique_ptr<EmotionClassifier> embedded) {
    const Emotions emotions = Classify(url, std::move(embedded), {"슬퍼"});
    if (!emotions.ok()) return emotions.status();
    return emotions->front();
  }

  Emotions Classify(const std::string& url, std::unique_ptr<EmotionClassifier> embedded,
                    std::vector<std::string> texts) {
    config::Target& target = llm_.targets["main"];
    target.api = config::Target::Api::kOpenAi;
    target.name = "main";
    target.url = url;
    target.model = "m";
    llm_.default_target = "main";
    net::HttpClient client(context_, {});
    llm::Targets targets(llm_, client, metrics_);
    LlmClassifier classifier(config_, targets, std::move(embedded), metrics_);
    std::optional<Emotions> result;
    boost::asio::co_spawn(
        context_, classifier.Classify(std::move(texts)),
        [&](std::exception_ptr, Emotions emotions) { result = std::move(emotions); });
    while (!result) context_.run_one();
    return *result;
  }

  static std::function<void(RawServer::Socket&)> Saying(const std::string& content) {
    const std::string body = R"({"model":"m","choices":[{"index":0,"finish_reason":"stop",)"
                             R"("message":{"role":"assistant","content":")" +
                             content + "\"}}]}";
    return [body](RawServer::Socket& socket) {
      RawServer::ReadHeaders(socket);
      RawServer::Write(socket,
                       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                       "Connection: close\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + body);
    };
  }

  bool FellBack(int times = 1) const {
    return metrics_.Text().find("luna_emotion_fallbacks_total " + std::to_string(times) + "\n") !=
           std::string::npos;
  }

  boost::asio::io_context context_;
  config::Llm llm_;
  config::Emotion config_;
  mutable telemetry::Metrics metrics_;
};

TEST_F(LlmClassifierTest, SaysWhatTheTargetSays) {
  RawServer server(1, Saying(R"({\"emotion\": \"sadness\", \"confidence\": 0.75})"));
  const auto emotion = Classify(server.url(), std::make_unique<Proud>());
  ASSERT_TRUE(emotion.ok()) << emotion.status();
  EXPECT_EQ(emotion->emotion(), "sadness");
  EXPECT_EQ(emotion->confidence(), 0.75);
  ASSERT_EQ(emotion->top_size(), 1);
  EXPECT_EQ(emotion->top(0).emotion(), "sadness");
  EXPECT_FALSE(FellBack());
}

TEST_F(LlmClassifierTest, TheEmbeddedOneAnswersForATargetThatSaysSomethingElse) {
  RawServer server(1, Saying("I would say sadness."));
  EXPECT_EQ(Classify(server.url(), std::make_unique<Proud>())->emotion(), "pride");
  EXPECT_TRUE(FellBack());
}

TEST_F(LlmClassifierTest, TheEmbeddedOneAnswersForATargetThatFails) {
  RawServer server(1, [](RawServer::Socket& socket) { RawServer::ReadHeaders(socket); });
  EXPECT_EQ(Classify(server.url(), std::make_unique<Proud>())->emotion(), "pride");
  EXPECT_TRUE(FellBack());
}

TEST_F(LlmClassifierTest, TheEmbeddedOneAnswersAfterTheDeadline) {
  config_.deadline = std::chrono::milliseconds(20);
  RawServer server(1, [](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    RawServer::WaitUntilClosed(socket);
  });
  EXPECT_EQ(Classify(server.url(), std::make_unique<Proud>())->emotion(), "pride");
  EXPECT_TRUE(FellBack());
}

TEST_F(LlmClassifierTest, TheRequestIsCountedWhileItIsOpen) {
  const std::string gauge = "luna_upstream_requests_open{target=\"main\"} ";
  std::string meanwhile;
  RawServer server(1, [&](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    meanwhile = metrics_.Text();
  });
  EXPECT_FALSE(Classify(server.url(), nullptr).ok());
  server.Join();
  EXPECT_THAT(meanwhile, HasSubstr(gauge + "1\n"));
  EXPECT_THAT(metrics_.Text(), HasSubstr(gauge + "0\n"));
}

TEST_F(LlmClassifierTest, TheEmbeddedOneAnswersForThoseOfSeveralThatTheTargetDoesNotSay) {
  int asked = 0;
  RawServer server(3, [&](RawServer::Socket& socket) {
    const char* says[] = {R"({\"emotion\": \"joy\", \"confidence\": 1})", "no",
                          R"({\"emotion\": \"fear\", \"confidence\": 1})"};
    Saying(says[asked++])(socket);
  });
  const Emotions emotions = Classify(server.url(), std::make_unique<Proud>(), {"a", "b", "c"});
  ASSERT_TRUE(emotions.ok()) << emotions.status();
  ASSERT_EQ(emotions->size(), 3u);
  EXPECT_EQ((*emotions)[0].emotion(), "joy");
  EXPECT_EQ((*emotions)[1].emotion(), "pride");
  EXPECT_EQ((*emotions)[2].emotion(), "fear");
  EXPECT_TRUE(FellBack());
}

TEST_F(LlmClassifierTest, FailsWhereThereIsNoEmbeddedOne) {
  RawServer server(1, Saying("no"));
  EXPECT_EQ(ErrorOf(Classify(server.url(), nullptr).status()).code(), "UPSTREAM_PROTOCOL");
}

TEST(EmotionPrompt, RestrictsTheAnswerToTheLabels) {
  const llm::Prompt prompt = EmotionPrompt("안녕");
  ASSERT_EQ(prompt.messages.size(), 1u);
  EXPECT_EQ(prompt.messages[0].text, "안녕");
  EXPECT_THAT(prompt.system, HasSubstr("grief, joy, love"));
  EXPECT_FALSE(prompt.stream);
  ASSERT_TRUE(prompt.choice.has_value());
  EXPECT_EQ(prompt.choice->values.size(), kLabels.size());
}

TEST(ParseEmotion, TakesTheObjectFromWhatIsAroundIt) {
  const auto emotion = ParseEmotion("```json\n{\"confidence\":1,\"emotion\":\"joy\"}\n```");
  ASSERT_TRUE(emotion.ok());
  EXPECT_EQ(emotion->emotion(), "joy");
  EXPECT_EQ(emotion->confidence(), 1);
}

TEST(ParseEmotion, RefusesEverythingElse) {
  for (const char* answer :
       {"", "{", "}", "}{", "[]", "\"joy\"", "{\"emotion\":\"joy\"}", "{\"confidence\":0.5}",
        "{\"emotion\":\"joy\\u0000x\",\"confidence\":0.5}",
        "{\"emotion\":\"happy\",\"confidence\":0.5}", "{\"emotion\":1,\"confidence\":0.5}",
        "{\"emotion\":\"joy\",\"confidence\":1.5}", "{\"emotion\":\"joy\",\"confidence\":-1}",
        "{\"emotion\":\"joy\",\"confidence\":\"high\"}", "{\"emotion\":\"joy\",\"confidence\":}"}) {
    EXPECT_EQ(ErrorOf(ParseEmotion(answer).status()).code(), "UPSTREAM_PROTOCOL") << answer;
  }
}

}  // namespace
}  // namespace luna::emotion
