#include "server/llm/answer_stream.h"

#include <cstdio>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/error.h"
#include "server/llm/targets.h"
#include "tests/support/raw_server.h"

namespace luna::llm {
namespace {

using std::chrono::milliseconds;
using test::RawServer;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kHeaders =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

std::string GeminiEvent(const std::string& text, const std::string& more = "") {
  return R"(data: {"candidates":[{"content":{"parts":[{"text":")" + text + R"("}]})" + more +
         "}]}\r\n\r\n";
}

const char kStop[] = R"(,"finishReason":"STOP")";

struct Heard {
  std::vector<std::string> pieces;
  v1::Error error;
  std::string finish_reason;
};

class AnswerStreamTest : public testing::Test {
 protected:
  // Two targets at the same place: "gemini" and "main".
  void Configure(const std::string& url) {
    config::Target gemini;
    gemini.name = "gemini";
    gemini.url = url;
    gemini.model = "m";
    gemini.key = "k";
    gemini.key_env = "GEMINI_API_KEY";
    config::Target local = gemini;
    local.api = config::Target::Api::kOpenAi;
    local.name = "main";
    config_.targets = {{"gemini", gemini}, {"main", local}};
    config_.default_target = "gemini";
    config_.retries.count = 0;
    targets_.emplace(config_, client_, metrics_);
  }

  std::unique_ptr<TokenStream> Ask(const std::string& target, bool stream = true) {
    Prompt prompt;
    prompt.messages.push_back({Message::Role::kUser, "hi"});
    prompt.stream = stream;
    return targets_->Generate(*targets_->Config(target), std::move(prompt));
  }

  absl::StatusOr<Token> Next(TokenStream& stream, net::TimePoint until = net::kForever) {
    std::optional<absl::StatusOr<Token>> token;
    boost::asio::co_spawn(context_, stream.Next(until),
                          [&](std::exception_ptr, absl::StatusOr<Token> result) {
                            token.emplace(std::move(result));
                          });
    while (!token) context_.run_one();
    return *std::move(token);
  }

  Heard Hear(TokenStream& stream) {
    Heard heard;
    for (;;) {
      absl::StatusOr<Token> token = Next(stream);
      if (!token.ok()) {
        heard.error = ErrorOf(token.status());
        return heard;
      }
      if (const auto* pieces = std::get_if<Pieces>(&*token)) {
        heard.pieces.insert(heard.pieces.end(), pieces->begin(), pieces->end());
      }
      if (const auto* finish = std::get_if<std::unique_ptr<Finish>>(&*token)) {
        heard.finish_reason = (*finish)->reason;
        return heard;
      }
    }
  }

  // The whole answer of a server that sends `response` and closes the connection.
  Heard HearResponse(const std::string& target, const std::string& response, bool stream = true) {
    RawServer server(1, [&](RawServer::Socket& socket) {
      RawServer::ReadHeaders(socket);
      RawServer::Write(socket, response);
    });
    Configure(server.url());
    const auto tokens = Ask(target, stream);
    return Hear(*tokens);
  }

  // The error where a server sends `response` and then nothing.
  v1::Error HearSilenceAfter(const std::string& response, bool stream = true) {
    RawServer server(1, [&](RawServer::Socket& socket) {
      RawServer::ReadHeaders(socket);
      RawServer::Write(socket, response);
      RawServer::WaitUntilClosed(socket);
    });
    Configure(server.url());
    const auto tokens = Ask("gemini", stream);
    return Hear(*tokens).error;
  }

  config::Llm config_;
  boost::asio::io_context context_;
  telemetry::Metrics metrics_;
  net::HttpClient client_{context_, {.max_response_bytes = 100'000}};
  std::optional<Targets> targets_;
};

TEST_F(AnswerStreamTest, GivesThePiecesAndThenTheFinish) {
  const Heard heard = HearResponse(
      "gemini", kHeaders + GeminiEvent("a") + GeminiEvent("b") + GeminiEvent("c", kStop));
  EXPECT_THAT(heard.pieces, ElementsAre("a", "b", "c"));
  EXPECT_EQ(heard.finish_reason, "STOP");
}

TEST_F(AnswerStreamTest, AUnaryAnswerIsOnePiece) {
  const Heard heard =
      HearResponse("main",
                   "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
                   R"({"choices":[{"message":{"content":"whole answer"},"finish_reason":"stop"}]})",
                   false);
  EXPECT_THAT(heard.pieces, ElementsAre("whole answer"));
  EXPECT_EQ(heard.finish_reason, "STOP");
}

TEST_F(AnswerStreamTest, WhatIsThereComesAtOnceAndElseAPause) {
  std::promise<void> go;
  RawServer server(1, [&](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    RawServer::Write(socket, kHeaders + GeminiEvent("a") + GeminiEvent("b"));
    go.get_future().wait();
    RawServer::Write(socket, GeminiEvent("c", kStop));
  });
  Configure(server.url());
  const auto stream = Ask("");
  EXPECT_THAT(std::get<Pieces>(*Next(*stream)), ElementsAre("a", "b"));
  const net::TimePoint past = net::Clock::now() - milliseconds(1);
  EXPECT_TRUE(std::holds_alternative<Pause>(*Next(*stream, past)));
  EXPECT_TRUE(std::holds_alternative<Pause>(*Next(*stream, past)));
  go.set_value();
  EXPECT_THAT(Hear(*stream).pieces, ElementsAre("c"));
}

TEST_F(AnswerStreamTest, PausesBeforeTheHeadersToo) {
  std::promise<void> go;
  RawServer server(1, [&](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    go.get_future().wait();
    RawServer::Write(socket, kHeaders + GeminiEvent("a", kStop));
  });
  Configure(server.url());
  const auto stream = Ask("gemini");
  EXPECT_TRUE(std::holds_alternative<Pause>(*Next(*stream, net::Clock::now())));
  go.set_value();
  EXPECT_EQ(Hear(*stream).finish_reason, "STOP");
}

TEST_F(AnswerStreamTest, WithoutAKeyGeminiIsNotAsked) {
  RawServer nobody_calls(0, [](RawServer::Socket&) {});
  Configure(nobody_calls.url());
  config_.targets["gemini"].key.clear();
  const auto stream = Ask("gemini");
  const v1::Error error = Hear(*stream).error;
  EXPECT_EQ(error.code(), "UPSTREAM_AUTH");
  EXPECT_THAT(error.message(), HasSubstr("GEMINI_API_KEY"));
}

TEST_F(AnswerStreamTest, ARefusalIsMappedWithItsHeadersAndBody) {
  const Heard heard =
      HearResponse("gemini",
                   "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nConnection: close\r\n\r\n"
                   R"({"error":{"code":429,"message":"slow down"}})");
  EXPECT_EQ(heard.error.code(), "UPSTREAM_QUOTA");
  EXPECT_EQ(heard.error.retry_after_ms(), 7000);
  EXPECT_THAT(heard.error.message(), HasSubstr("slow down"));
}

TEST_F(AnswerStreamTest, ARedirectIsNotFollowed) {
  const Heard heard = HearResponse("main",
                                   "HTTP/1.1 302 Found\r\nLocation: https://other.example/x?k=1\r\n"
                                   "Content-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(heard.error.code(), "UPSTREAM_REJECTED");
  EXPECT_THAT(heard.error.message(), HasSubstr("other.example,"));
}

TEST_F(AnswerStreamTest, ALongOrUnfinishedRefusalIsStillOne) {
  const std::string headers = "HTTP/1.1 500 Oops\r\nContent-Length: 90000\r\n\r\n";
  EXPECT_THAT(HearResponse("main", headers + std::string(70'000, 'x')).error.message(),
              HasSubstr("HTTP 500"));
  EXPECT_THAT(HearResponse("main", headers + "x").error.message(), HasSubstr("HTTP 500"));
  config_.timeouts.first_token = milliseconds(20);
  EXPECT_THAT(HearSilenceAfter(headers + "x").message(), HasSubstr("HTTP 500"));
}

TEST_F(AnswerStreamTest, ACutBodyIsUnavailableAfterItsText) {
  const Heard heard = HearResponse(
      "gemini", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + GeminiEvent("a", kStop));
  EXPECT_THAT(heard.pieces, ElementsAre("a"));
  EXPECT_EQ(heard.error.code(), "UPSTREAM_UNAVAILABLE");
  EXPECT_THAT(heard.error.message(), AllOf(StartsWith("gemini: "), HasSubstr("127.0.0.1")));
}

TEST_F(AnswerStreamTest, NobodyListeningIsUnavailable) {
  {
    RawServer gone(0, [](RawServer::Socket&) {});
    Configure(gone.url());
  }
  const auto stream = Ask("main");
  EXPECT_EQ(Hear(*stream).error.code(), "UPSTREAM_UNAVAILABLE");
}

TEST_F(AnswerStreamTest, ATooLargeResponseIsAProtocolError) {
  std::string body;
  while (body.size() < 150'000) body += GeminiEvent(std::string(1000, 'x'));
  RawServer server(1, [&](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    boost::system::error_code error;
    boost::asio::write(socket, boost::asio::buffer(kHeaders + body), error);
  });
  Configure(server.url());
  const auto stream = Ask("gemini");
  EXPECT_EQ(Hear(*stream).error.code(), "UPSTREAM_PROTOCOL");
}

TEST_F(AnswerStreamTest, AnErrorAfterStopIsHeard) {
  const Heard heard = HearResponse("gemini", kHeaders + GeminiEvent("a", kStop) +
                                                 "{\n  \"error\": {\n    \"code\": 503\n  }\n}\n");
  EXPECT_THAT(heard.pieces, ElementsAre("a"));
  EXPECT_EQ(heard.error.code(), "UPSTREAM_UNAVAILABLE");
}

TEST_F(AnswerStreamTest, FirstTokenLimitIgnoresCommentsAndThoughts) {
  config_.timeouts.first_token = milliseconds(30);
  const v1::Error error = HearSilenceAfter(
      kHeaders + ": ping\n\n" +
      R"(data: {"candidates":[{"content":{"parts":[{"text":"hm","thought":true}]}}]})" + "\n\n");
  EXPECT_EQ(error.code(), "UPSTREAM_TIMEOUT");
  EXPECT_THAT(error.message(), HasSubstr("30 ms (llm.timeouts.first_token_ms"));
  EXPECT_THAT(HearSilenceAfter("").message(), HasSubstr("llm.timeouts.first_token_ms"));
}

TEST_F(AnswerStreamTest, GapLimitHoldsAfterTheFirstToken) {
  config_.timeouts.gap = milliseconds(30);
  EXPECT_THAT(HearSilenceAfter(kHeaders + GeminiEvent("a")).message(),
              HasSubstr("30 ms (llm.timeouts.gap_ms"));
  EXPECT_THAT(HearSilenceAfter(kHeaders + GeminiEvent("a", kStop)).code(),
              testing::Eq("UPSTREAM_TIMEOUT"));
}

TEST_F(AnswerStreamTest, TotalLimitHoldsWhateverComes) {
  config_.timeouts.total = milliseconds(50);
  EXPECT_THAT(HearSilenceAfter(kHeaders + GeminiEvent("a")).message(),
              HasSubstr("50 ms (llm.timeouts.total_ms"));
  EXPECT_THAT(HearSilenceAfter("", false).message(), HasSubstr("llm.timeouts.total_ms"));
}

TEST_F(AnswerStreamTest, AUnaryAnswerHasNoFirstTokenLimit) {
  config_.timeouts.first_token = milliseconds(0);
  EXPECT_EQ(HearResponse("gemini",
                         kHeaders + R"({"candidates":[{"content":{"parts":[{"text":"a"}]},)"
                                    R"("finishReason":"STOP"}]})",
                         false)
                .finish_reason,
            "STOP");
}

TEST_F(AnswerStreamTest, DestroyingItStopsTheUpstream) {
  std::promise<void> asked;
  RawServer server(2, [&, first = true](RawServer::Socket& socket) mutable {
    RawServer::ReadHeaders(socket);
    if (std::exchange(first, false)) {
      RawServer::Write(socket, kHeaders + GeminiEvent("a"));
    } else {
      asked.set_value();
    }
    RawServer::WaitUntilClosed(socket);  // or the test hangs
  });
  Configure(server.url());
  auto after_a_token = Ask("gemini");
  EXPECT_TRUE(Next(*after_a_token).ok());
  after_a_token.reset();

  auto before_any = Ask("gemini");
  auto until_asked = asked.get_future();
  while (until_asked.wait_for(milliseconds(0)) != std::future_status::ready) {
    const auto token = Next(*before_any, net::Clock::now() + milliseconds(1));
    EXPECT_TRUE(std::holds_alternative<Pause>(*token));
  }
  before_any.reset();
}

TEST_F(AnswerStreamTest, AnOpenAiConnectionIsUsedAgain) {
  RawServer server(1, [&](RawServer::Socket& socket) {
    const std::string body =
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n"
        "data: [DONE]\n\n";
    char length[16];
    std::snprintf(length, sizeof length, "%zx\r\n", body.size());
    for (int i = 0; i < 2; ++i) {
      RawServer::ReadHeaders(socket);
      RawServer::Write(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      RawServer::Write(socket, length + body + "\r\n");
      RawServer::Write(socket, "0\r\n\r\n");
    }
  });
  Configure(server.url());
  for (int i = 0; i < 2; ++i) {
    const auto stream = Ask("main");
    EXPECT_EQ(Hear(*stream).finish_reason, "STOP");
  }
}

TEST_F(AnswerStreamTest, AKeptConnectionThatWasClosedIsReplacedAtOnce) {
  const std::string body = R"({"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]})";
  const auto answer = [&](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    RawServer::Write(socket, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                                 "\r\n\r\n" + body);
  };
  RawServer server(3, [&, connection = 0](RawServer::Socket& socket) mutable {
    if (++connection == 2) return RawServer::WaitUntilClosed(socket);  // curl would ask again on it
    answer(socket);
    if (connection == 1) RawServer::ReadHeaders(socket);
  });
  Configure(server.url());
  config_.retries = {1, std::chrono::hours(1), std::chrono::hours(1)};
  for (int i = 0; i < 2; ++i) {
    const auto stream = Ask("main", false);
    EXPECT_EQ(Hear(*stream).finish_reason, "STOP");
  }
  EXPECT_THAT(metrics_.Text(), HasSubstr("luna_upstream_retries_total{target=\"main\"} 1\n"));
}

TEST_F(AnswerStreamTest, TargetsAreFoundByNameAndByDefault) {
  Configure("http://127.0.0.1:1");
  EXPECT_EQ(targets_->Config("")->name, "gemini");
  EXPECT_EQ(targets_->Config("main")->name, "main");
  EXPECT_EQ(targets_->Config("other"), nullptr);
  EXPECT_THAT(targets_->Names(), ElementsAre("gemini", "main"));
}

}  // namespace
}  // namespace luna::llm
