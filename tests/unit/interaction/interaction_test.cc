#include "server/interaction/interaction.h"

#include <functional>
#include <optional>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/error.h"
#include "server/base/guard.h"
#include "tests/support/raw_server.h"
#include "tests/support/temporary_folder.h"

namespace luna {
namespace {

namespace asio = boost::asio;
using test::RawServer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kHeaders[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
constexpr char kStop[] =
    "data: "
    "{\"model\":\"m1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: [DONE]\n\n";

std::string Delta(const std::string& text) {
  return "data: {\"model\":\"m1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + text +
         "\"}}]}\n\n";
}

// Says `sadness` of everything, or fails.
class Sad final : public EmotionClassifier {
 public:
  asio::awaitable<absl::StatusOr<std::vector<v1::Emotion>>> Classify(
      std::vector<std::string> texts) override {
    asked = texts.front();
    if (fails) co_return absl::InternalError("no mood");
    std::vector<v1::Emotion> emotions(1);
    emotions.front().set_emotion("sadness");
    emotions.front().set_confidence(0.75);
    co_return emotions;
  }

  std::string asked;
  bool fails = false;
};

class RecordingSink final : public EventSink {
 public:
  void Put(const v1::InteractResponse& event) override {
    events.push_back(event);
    if (on_event) on_event();
  }
  asio::awaitable<absl::Status> Room() override {
    // Nothing may come between the terminal event and the end.
    const bool over =
        !events.empty() && (events.back().has_complete() || events.back().has_error());
    EXPECT_FALSE(over);
    if (gone) co_return absl::CancelledError("the client has gone");
    co_return absl::OkStatus();
  }

  std::vector<std::string> chunks() const {
    std::vector<std::string> chunks;
    for (const auto& event : events) {
      if (event.has_llm_chunk()) chunks.push_back(event.llm_chunk().text());
    }
    return chunks;
  }

  std::vector<v1::InteractResponse> events;
  std::function<void()> on_event;
  bool gone = false;
};

// One target, a loopback server that does what the test says.
class InteractionTest : public testing::Test {
 protected:
  absl::Status Run(const std::string& url, v1::InteractRequest request) {
    std::optional<absl::Status> result;
    context_.restart();
    WithInteraction(url, [&](Interaction& interaction) {
      asio::co_spawn(
          context_, Guard(interaction.Run(std::move(request), sink_, caller_)),
          asio::bind_cancellation_slot(
              cancel_.slot(), [&](std::exception_ptr, absl::Status status) { result = status; }));
      while (!result) context_.run_one();
    });
    return *result;
  }

  void WithInteraction(const std::string& url, std::function<void(Interaction&)> use) {
    config::Target& target = config_.llm.targets["main"];
    target.api = config::Target::Api::kOpenAi;
    target.name = "main";
    target.url = url;
    target.model = "Luna";
    target.stream = streams_;
    config_.llm.mode = "server";
    config_.llm.default_target = "main";
    config_.llm.retries.count = 0;
    net::HttpClient client(context_, {});
    llm::Targets targets(config_.llm, client, metrics_);
    Interaction interaction(config_, targets, emotion_, translators_, memory_, nullptr, cache_,
                            *admission_, metrics_);
    use(interaction);
  }

  static v1::InteractRequest Ask(const std::string& input) {
    v1::InteractRequest request;
    request.set_input(input);
    return request;
  }

  static std::function<void(RawServer::Socket&)> Answering(std::string body) {
    return [body = kHeaders + std::move(body)](RawServer::Socket& socket) {
      RawServer::ReadHeaders(socket);
      RawServer::Write(socket, body);
    };
  }

  asio::io_context context_;
  asio::cancellation_signal cancel_;
  config::Config config_;
  Admission open_{10};
  Admission* admission_ = &open_;
  Caller caller_{"test", "id-1", absl::OkStatus()};
  telemetry::Metrics metrics_;
  RecordingSink sink_;
  EmotionClassifier* emotion_ = nullptr;
  Translators translators_;
  ConversationMemory* memory_ = nullptr;
  ResponseCache* cache_ = nullptr;
  bool streams_ = true;
};

TEST_F(InteractionTest, StreamsWordsAndThenTheWholeAnswer) {
  RawServer server(1, Answering(Delta("안녕") + Delta("하세요 저는") + Delta(" 루나") + kStop));
  ASSERT_TRUE(Run(server.url(), Ask("안녕")).ok());
  EXPECT_THAT(sink_.chunks(), ElementsAre("안녕하세요", " 저는", " 루나"));
  ASSERT_EQ(sink_.events.size(), 4u);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(sink_.events[i].sequence(), i + 1);
    EXPECT_TRUE(sink_.events[i].has_created_at());
  }
  const v1::Complete& complete = sink_.events.back().complete();
  EXPECT_EQ(complete.text(), "안녕하세요 저는 루나");
  EXPECT_EQ(complete.finish_reason(), "STOP");
  EXPECT_EQ(complete.model(), "m1");
  EXPECT_EQ(complete.target(), "main");
  EXPECT_FALSE(complete.remembered());
  const std::string metrics = metrics_.Text();
  EXPECT_THAT(metrics, testing::ContainsRegex("luna_requests_total\\{[^}]*OK[^}]*\\} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("luna_streams_open{transport=\"test\"} 0\n"));
  EXPECT_THAT(metrics, HasSubstr("luna_upstream_requests_open{target=\"main\"} 0\n"));
  EXPECT_THAT(metrics, HasSubstr("luna_first_chunk_seconds_count 1\n"));
  EXPECT_THAT(metrics, HasSubstr("luna_chunk_gap_seconds_count 2\n"));
}

TEST_F(InteractionTest, AFailureInMidStreamKeepsWhatHadArrived) {
  RawServer server(1, Answering(Delta("하나 둘")));
  const absl::Status status = Run(server.url(), Ask("세어 봐"));
  EXPECT_EQ(ErrorOf(status).code(), "UPSTREAM_PROTOCOL");
  EXPECT_THAT(sink_.chunks(), ElementsAre("하나", " 둘"));
  const v1::Error& error = sink_.events.back().error();
  EXPECT_EQ(error.code(), "UPSTREAM_PROTOCOL");
  EXPECT_EQ(error.stage(), "stream");
  EXPECT_EQ(error.text_so_far(), "하나 둘");
  EXPECT_THAT(error.message(),
              StartsWith("[L.U.N.A. LLM Server] 스트리밍 중 오류 발생: 모델 서버의 응답이 올바르지 "
                         "않습니다. main: "));
}

TEST_F(InteractionTest, AFailureBeforeTheFirstWordIsAnEventToo) {
  std::string url;
  {
    url = RawServer(0, [](RawServer::Socket&) {}).url();
  }
  v1::InteractRequest request = Ask("hello");
  request.set_language("en");
  EXPECT_EQ(ErrorOf(Run(url, request)).code(), "UPSTREAM_UNAVAILABLE");
  ASSERT_EQ(sink_.events.size(), 1u);
  EXPECT_EQ(sink_.events[0].sequence(), 1);
  EXPECT_EQ(sink_.events[0].error().stage(), "first_token");
  EXPECT_THAT(sink_.events[0].error().message(),
              HasSubstr("[L.U.N.A. LLM Server] error while streaming: main: "));
}

TEST_F(InteractionTest, AnAnswerThatIsTooLongEndsInAnError) {
  const std::string much(300 << 10, 'x');
  std::string body;
  for (int i = 0; i < 4; ++i) body += Delta(much);
  RawServer server(1, [&](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    boost::system::error_code error;
    asio::write(socket, asio::buffer(kHeaders + body), error);
    RawServer::WaitUntilClosed(socket);
  });
  EXPECT_EQ(ErrorOf(Run(server.url(), Ask("길게"))).code(), "ANSWER_TOO_LONG");
  EXPECT_EQ(sink_.events.back().error().text_so_far().size(), 3 * much.size());
}

TEST_F(InteractionTest, ASinkThatHasGoneStopsTheUpstream) {
  sink_.gone = true;
  RawServer server(1, [](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    RawServer::Write(socket, kHeaders + Delta("하나 둘 셋"));
    RawServer::WaitUntilClosed(socket);
  });
  EXPECT_TRUE(absl::IsCancelled(Run(server.url(), Ask("?"))));
  EXPECT_EQ(sink_.chunks().size(), sink_.events.size());
}

TEST_F(InteractionTest, CancellationBeforeTheFirstWordStopsTheUpstream) {
  RawServer server(1, [this](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    asio::post(context_, [this] { cancel_.emit(asio::cancellation_type::terminal); });
    RawServer::WaitUntilClosed(socket);
  });
  EXPECT_TRUE(absl::IsCancelled(Run(server.url(), Ask("?"))));
  EXPECT_TRUE(sink_.events.empty());
  EXPECT_THAT(metrics_.Text(), HasSubstr("luna_upstream_cancels_total{stage=\"first_token\"} 1\n"));
}

TEST_F(InteractionTest, ARequestThatIsEndedFromOutsideEndsInAnErrorWithTheTextSoFar) {
  RawServer server(1, [this](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    RawServer::Write(socket, kHeaders + Delta("하나 둘"));
    RawServer::WaitUntilClosed(socket);
  });
  sink_.on_event = [this] {
    if (!sink_.events.back().has_llm_chunk()) return;
    caller_.ended = MakeError(ErrorCode::kShuttingDown, "the server is stopping");
    cancel_.emit(asio::cancellation_type::terminal);
  };
  EXPECT_EQ(ErrorOf(Run(server.url(), Ask("?"))).code(), "SHUTTING_DOWN");
  const v1::Error& error = sink_.events.back().error();
  EXPECT_EQ(error.code(), "SHUTTING_DOWN");
  EXPECT_EQ(error.text_so_far(), "하나 둘");
}

TEST_F(InteractionTest, NobodyIsLetInPastTheLimitOrAfterClosing) {
  Admission full(0);
  admission_ = &full;
  EXPECT_EQ(ErrorOf(Run("http://127.0.0.1:9", Ask("x"))).code(), "OVERLOADED");
  Admission closed(1);
  closed.Close();
  admission_ = &closed;
  EXPECT_EQ(ErrorOf(Run("http://127.0.0.1:9", Ask("x"))).code(), "SHUTTING_DOWN");
  EXPECT_TRUE(sink_.events.empty());
}

TEST_F(InteractionTest, RefusesBadRequestsWithoutAnEvent) {
  const auto refused = [&](v1::InteractRequest request) {
    const std::string code = ErrorOf(Run("http://127.0.0.1:9", std::move(request))).code();
    EXPECT_TRUE(sink_.events.empty());
    return code;
  };
  EXPECT_EQ(refused(Ask("")), "INVALID_INPUT");
  EXPECT_EQ(refused(Ask(" \n\t")), "INVALID_INPUT");
  EXPECT_EQ(refused(Ask(std::string((16 << 10) + 1, 'x'))), "INPUT_TOO_LARGE");
  v1::InteractRequest request = Ask("x");
  request.set_user_id(std::string(129, 'u'));
  EXPECT_EQ(refused(request), "INVALID_INPUT");
  request = Ask("x");
  request.set_language("fr");
  EXPECT_EQ(refused(request), "INVALID_INPUT");
  request = Ask("x");
  request.set_target("none");
  EXPECT_EQ(refused(request), "UNKNOWN_TARGET");
}

TEST_F(InteractionTest, ATargetThatDoesNotStreamSaysSo) {
  streams_ = false;
  const absl::Status status = Run("http://127.0.0.1:9", Ask("x"));
  EXPECT_EQ(ErrorOf(status).code(), "STREAMING_DISABLED");
  EXPECT_EQ(ErrorOf(status).message(),
            "스트리밍은 이 대상에서 지원되지 않습니다 ('main'는 stream: false입니다). "
            "config/models.yaml에서 stream: true로 바꾸거나 POST /interact를 사용하세요.");
}

TEST_F(InteractionTest, AnswersWithoutTheStream) {
  streams_ = false;
  std::string seen;
  const std::string body =
      R"({"model":"m1","choices":[{"index":0,"message":{"content":"서울입니다."},)"
      R"("finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4,)"
      R"("total_tokens":7}})";
  RawServer server(1, [&](RawServer::Socket& socket) {
    seen = RawServer::ReadHeaders(socket);
    RawServer::Write(socket,
                     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                     "Content-Length: " +
                         std::to_string(body.size()) + "\r\n\r\n" + body);
  });
  std::optional<absl::StatusOr<v1::AnswerResponse>> answer;
  WithInteraction(server.url(), [&](Interaction& interaction) {
    v1::AnswerRequest request;
    request.set_input("수도는?");
    asio::co_spawn(context_, Guard(interaction.Answer(std::move(request), caller_)),
                   [&](std::exception_ptr, absl::StatusOr<v1::AnswerResponse> value) {
                     answer = std::move(value);
                   });
    while (!answer) context_.run_one();
  });
  ASSERT_TRUE(answer->ok()) << answer->status();
  EXPECT_EQ((*answer)->text(), "서울입니다.");
  EXPECT_EQ((*answer)->usage().total_tokens(), 7);
}

TEST_F(InteractionTest, TheEmotionIsTheFirstEvent) {
  Sad sad;
  emotion_ = &sad;
  RawServer server(1, Answering(Delta("괜찮아?") + kStop));
  ASSERT_TRUE(Run(server.url(), Ask("슬퍼")).ok());
  EXPECT_EQ(sad.asked, "슬퍼");
  ASSERT_EQ(sink_.events.size(), 3u);
  EXPECT_EQ(sink_.events[0].sequence(), 1);
  EXPECT_EQ(sink_.events[0].emotion().emotion(), "sadness");
  EXPECT_EQ(sink_.events[0].emotion().confidence(), 0.75);
  EXPECT_TRUE(sink_.events[1].has_llm_chunk());
}

TEST_F(InteractionTest, ARequestWithoutEmotionAsksForNone) {
  Sad sad;
  emotion_ = &sad;
  v1::InteractRequest request = Ask("슬퍼");
  request.mutable_features()->set_emotion(false);
  RawServer server(1, Answering(Delta("괜찮아?") + kStop));
  ASSERT_TRUE(Run(server.url(), std::move(request)).ok());
  EXPECT_EQ(sad.asked, "");
  EXPECT_EQ(sink_.events.size(), 2u);
}

TEST_F(InteractionTest, WithoutTheEmotionTheAnswerStillComes) {
  Sad sad;
  sad.fails = true;
  emotion_ = &sad;
  RawServer server(1, Answering(Delta("괜찮아?") + kStop));
  ASSERT_TRUE(Run(server.url(), Ask("슬퍼")).ok());
  ASSERT_EQ(sink_.events.size(), 2u);
  EXPECT_TRUE(sink_.events.back().has_complete());
  EXPECT_THAT(metrics_.Text(), HasSubstr("luna_part_failures_total{part=\"emotion\"} 1\n"));
}

TEST_F(InteractionTest, AClientThatHasGoneAtTheEmotionGetsNothingMore) {
  Sad sad;
  emotion_ = &sad;
  sink_.gone = true;
  RawServer server(1, [](RawServer::Socket& socket) { RawServer::WaitUntilClosed(socket); });
  EXPECT_TRUE(absl::IsCancelled(Run(server.url(), Ask("슬퍼"))));
  EXPECT_EQ(sink_.events.size(), 1u);
}

// --- memory ---

class MemoryTest : public InteractionTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(storage::Prepare(folder_ / "luna.db", false).ok());
    database_ = std::make_unique<storage::Database>(folder_ / "luna.db", [] {});
    conversations_ = std::make_unique<ConversationMemory>(config_.memory, *database_);
    memory_ = conversations_.get();
  }

  void Break(const std::string& table) {
    storage::Connection(folder_ / "luna.db").database().exec("DROP TABLE " + table);
  }

  test::TemporaryFolder folder_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<ConversationMemory> conversations_;
};

TEST_F(MemoryTest, AnAnswerIsRememberedBeforeItIsComplete) {
  RawServer server(1, Answering(Delta("네") + kStop));
  bool kept_before = false;
  sink_.on_event = [&] {
    if (!sink_.events.back().has_complete()) return;
    storage::Connection connection(folder_ / "luna.db");
    kept_before = memory::Find(connection, "default", 1)->assistant_message() == "네";
  };
  ASSERT_TRUE(Run(server.url(), Ask("하나")).ok());
  EXPECT_TRUE(sink_.events.back().complete().remembered());
  EXPECT_TRUE(kept_before);
}

TEST_F(MemoryTest, WithoutItTheAnswerStillComes) {
  Break("turns");
  RawServer server(1, Answering(Delta("네") + kStop));
  ASSERT_TRUE(Run(server.url(), Ask("하나")).ok());
  EXPECT_EQ(sink_.events.back().complete().text(), "네");
  EXPECT_FALSE(sink_.events.back().complete().remembered());
  EXPECT_THAT(metrics_.Text(), HasSubstr("luna_part_failures_total{part=\"memory\"} 2"));
}

// --- cache ---

class CacheTest : public MemoryTest {
 protected:
  void SetUp() override {
    MemoryTest::SetUp();
    config_.llm.timeouts.first_token = std::chrono::seconds(2);  // where nobody answers
    Keep();
  }

  // With the configuration as it is now.
  void Keep() {
    answers_ = std::make_unique<ResponseCache>(config_.cache, *database_, metrics_);
    cache_ = answers_.get();
  }

  // Gives the last event.
  v1::InteractResponse Hear(const RawServer& server, v1::InteractRequest request) {
    sink_.events.clear();
    [[maybe_unused]] const absl::Status ended = Run(server.url(), std::move(request));
    return sink_.events.back();
  }

  std::unique_ptr<ResponseCache> answers_;
};

TEST_F(CacheTest, WhatIsAskedAgainIsAnsweredWholeAndWithoutTheModel) {
  Sad sad;
  emotion_ = &sad;
  RawServer server(1, Answering(Delta("네 그럼요") + kStop));
  const v1::Complete first = Hear(server, Ask("하나")).complete();
  EXPECT_FALSE(first.cached());
  const v1::Complete again = Hear(server, Ask(" 하나\n")).complete();
  ASSERT_EQ(sink_.events.size(), 3u);
  EXPECT_EQ(sink_.events[0].emotion().emotion(), "sadness");
  EXPECT_EQ(sink_.events[1].llm_chunk().text(), "네 그럼요");
  EXPECT_TRUE(again.cached());
  EXPECT_TRUE(again.remembered());
  EXPECT_EQ(again.text(), "네 그럼요");
  EXPECT_EQ(again.model(), first.model());
  EXPECT_EQ(again.target(), "main");
  EXPECT_EQ(again.finish_reason(), "STOP");
  EXPECT_EQ(again.usage().SerializeAsString(), first.usage().SerializeAsString());
  storage::Connection connection(folder_ / "luna.db");
  EXPECT_FALSE(memory::Find(connection, "default", 1)->cached());
  EXPECT_TRUE(memory::Find(connection, "default", 2)->cached());
}

TEST_F(CacheTest, AnAnswerIsKeptBeforeItIsComplete) {
  RawServer server(1, Answering(Delta("네") + kStop));
  int kept_before = -1;
  sink_.on_event = [&] {
    if (!sink_.events.back().has_complete()) return;
    kept_before = storage::Connection(folder_ / "luna.db")
                      .database()
                      .execAndGet("SELECT count(*) FROM cached_answers")
                      .getInt();
  };
  Hear(server, Ask("하나"));
  EXPECT_EQ(kept_before, 1);
}

TEST_F(CacheTest, ALongSessionHitsToo) {
  config_.memory.max_context_turns = 6;
  RawServer server(10, Answering(Delta("네") + kStop));
  for (int i = 0; i < 8; ++i) Hear(server, Ask("말 " + std::to_string(i)));
  EXPECT_FALSE(Hear(server, Ask("하나")).complete().cached());
  EXPECT_TRUE(Hear(server, Ask("하나")).complete().cached());
  EXPECT_TRUE(Hear(server, Ask("하나")).complete().cached());
  EXPECT_FALSE(Hear(server, Ask("둘")).complete().cached());
}

TEST_F(CacheTest, InWordsItIsReplayedInWords) {
  config_.cache.replay = "words";
  Keep();
  // More than is passed on at once, of letters that must not be cut.
  std::string text = "하나";
  for (int i = 0; i < 3000; ++i) text += " 둘" + std::to_string(i);
  RawServer server(1, Answering(Delta(text) + kStop));
  Hear(server, Ask("하나"));
  const std::vector<std::string> first = sink_.chunks();
  const v1::Complete again = Hear(server, Ask("하나")).complete();
  EXPECT_TRUE(again.cached());
  EXPECT_EQ(again.text(), text);
  EXPECT_EQ(sink_.chunks(), first);
  EXPECT_EQ(first.size(), 3001u);
}

TEST_F(CacheTest, WithoutMemoryTheCacheStillWorks) {
  memory_ = nullptr;
  RawServer server(1, Answering(Delta("네") + kStop));
  EXPECT_FALSE(Hear(server, Ask("하나")).complete().cached());
  const v1::Complete again = Hear(server, Ask("하나")).complete();
  EXPECT_TRUE(again.cached());
  EXPECT_FALSE(again.remembered());
}

TEST_F(CacheTest, WithoutTheCacheItIsNeitherReadNorWritten) {
  RawServer server(3, Answering(Delta("네") + kStop));
  v1::InteractRequest without = Ask("하나");
  without.mutable_features()->set_cache(false);
  EXPECT_FALSE(Hear(server, without).complete().cached());
  EXPECT_FALSE(Hear(server, Ask("하나")).complete().cached());
  EXPECT_FALSE(Hear(server, without).complete().cached());
  EXPECT_TRUE(Hear(server, Ask("하나")).complete().cached());
}

TEST_F(CacheTest, AnotherTargetsAnswerIsNotKept) {
  config_.llm.fallback = {"spare"};
  RawServer spare(2, Answering(Delta("네") + kStop));
  config::Target& target = config_.llm.targets["spare"];
  target.api = config::Target::Api::kOpenAi;
  target.name = "spare";
  target.url = spare.url();
  for (int i = 0; i < 2; ++i) {
    sink_.events.clear();
    ASSERT_TRUE(Run("http://127.0.0.1:9", Ask("하나")).ok());
    EXPECT_EQ(sink_.events.back().complete().target(), "spare");
    EXPECT_FALSE(sink_.events.back().complete().cached());
  }
}

TEST_F(CacheTest, WithoutItTheAnswerStillComes) {
  Break("cached_answers");
  RawServer server(1, Answering(Delta("네") + kStop));
  const v1::Complete complete = Hear(server, Ask("하나")).complete();
  EXPECT_EQ(complete.text(), "네");
  EXPECT_TRUE(complete.remembered());
  EXPECT_THAT(metrics_.Text(), HasSubstr("luna_part_failures_total{part=\"cache\"} 1"));
}

TEST_F(CacheTest, WithoutMemoryThatShouldBeThereTheCacheIsLeftAlone) {
  Break("turns");
  RawServer server(2, Answering(Delta("네") + kStop));
  EXPECT_EQ(Hear(server, Ask("하나")).complete().text(), "네");
  EXPECT_FALSE(Hear(server, Ask("하나")).complete().cached());
}

TEST_F(CacheTest, AnAnswerThatCannotBeKeptStillComes) {
  RawServer server(1, [&](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    Break("cached_answers");
    RawServer::Write(socket, kHeaders + Delta("네") + kStop);
  });
  EXPECT_TRUE(Hear(server, Ask("하나")).complete().remembered());
  EXPECT_THAT(metrics_.Text(), HasSubstr("luna_part_failures_total{part=\"cache\"} 1"));
}

TEST_F(CacheTest, WhatWasMadeFromADeletedTurnIsNotKept) {
  int asked = 0;
  RawServer server(3, [&](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    if (++asked == 2) {
      storage::Connection(folder_ / "luna.db").database().exec("DELETE FROM turns");
    }
    RawServer::Write(socket, kHeaders + Delta("네") + kStop);
  });
  Hear(server, Ask("하나"));
  EXPECT_TRUE(Hear(server, Ask("둘")).complete().remembered());
  const auto stats = storage::Connection(folder_ / "luna.db")
                         .database()
                         .execAndGet("SELECT cache_saves FROM users")
                         .getInt();
  EXPECT_EQ(stats, 1);
  EXPECT_FALSE(Hear(server, Ask("둘")).complete().cached());
}

}  // namespace
}  // namespace luna
