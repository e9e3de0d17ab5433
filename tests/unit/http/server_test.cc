#include <string>

#include "tests/unit/http/echo_server.h"

namespace luna::http {
namespace {

TEST_F(HttpServerTest, ServesAnRpcThatItKnowsOnlyByItsAnnotation) {
  Client client(server_->address());
  client.Send(Post("/echo/%EB%A3%A8%EB%82%98", R"({"count": 2, "tags": ["가"]})"));
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 200u);
  EXPECT_EQ(response["Content-Type"], "application/json");
  EXPECT_EQ(response.body(),
            R"({"request":{"name":"루나","count":2,"tags":["가"],"user_id":""},"untouched":0})");
}

TEST_F(HttpServerTest, TakesTheNextRequestOnTheSameConnection) {
  Client client(server_->address());
  client.Send("GET /echo?name=a HTTP/1.1\r\nHost: localhost\r\n\r\n" + Post("/echo/b", "{}"));
  EXPECT_THAT(client.Read().body(), HasSubstr(R"("name":"a")"));
  EXPECT_THAT(client.Read().body(), HasSubstr(R"("name":"b")"));
  client.Send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(client.Read().body(), HasSubstr(R"("server":"L.U.N.A.")"));
}

TEST_F(HttpServerTest, GivesErrorsTheirStatusAndReason) {
  Client client(server_->address());
  client.Send(Post("/echo/fail", "{}"));
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 504u);
  EXPECT_THAT(response.body(), HasSubstr(R"("reason":"UPSTREAM_TIMEOUT")"));
  EXPECT_THAT(response.body(), HasSubstr(R"("message":"늦음")"));
}

TEST_F(HttpServerTest, SaysWhenToTryAgain) {
  Client client(server_->address());
  client.Send(Post("/echo/quota", "{}"));
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 429u);
  EXPECT_EQ(response["Retry-After"], "3");
  EXPECT_THAT(response.body(), HasSubstr(R"("retry_delay":"2.500s")"));
}

TEST_F(HttpServerTest, RefusesWhatItDoesNotUnderstandAndGoesOn) {
  Client client(server_->address());
  const auto status = [&](const std::string& request) {
    client.Send(request);
    return client.Read().result_int();
  };
  EXPECT_EQ(status("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"), 404u);
  EXPECT_EQ(status("PUT /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"), 405u);
  EXPECT_EQ(status(Post("/echo/a", "a=b", "Content-Type: text/plain\r\n")), 415u);
  EXPECT_EQ(status(Post("/echo/a", "{}", "")), 415u);
  EXPECT_EQ(status(Post("/echo/a", "{\"nam\": 1}")), 400u);
  EXPECT_EQ(status(Post("/echo/a", "{}")), 200u);
}

TEST_F(HttpServerTest, StreamsResponsesAsLines) {
  Client client(server_->address());
  client.Send("GET /count?count=2 HTTP/1.1\r\nHost: localhost\r\n\r\n" + Post("/echo/b", "{}"));
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 200u);
  EXPECT_EQ(response["Content-Type"], "application/x-ndjson");
  EXPECT_EQ(response["Transfer-Encoding"], "chunked");
  EXPECT_EQ(response.body(), "{\"untouched\":0}\n{\"untouched\":1}\n");
  EXPECT_THAT(client.Read().body(), HasSubstr(R"("name":"b")"));
}

TEST_F(HttpServerTest, AStreamOfNothingIsEmpty) {
  Client client(server_->address());
  client.Send("GET /count HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto response = client.Read();
  EXPECT_EQ(response["Content-Type"], "application/x-ndjson");
  EXPECT_EQ(response.body(), "");
}

TEST_F(HttpServerTest, AStreamThatFailsAtOnceIsAnError) {
  Client client(server_->address());
  client.Send("GET /count?name=fail HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 504u);
}

TEST_F(HttpServerTest, AStreamThatFailsLaterIsCut) {
  for (const char* version : {"1.0", "1.1"}) {
    Client client(server_->address());
    client.Send("GET /count?name=fail&count=1 HTTP/" + std::string(version) +
                "\r\nHost: localhost\r\n\r\n");
    EXPECT_THROW(client.Read(), boost::system::system_error) << version;
    gone_.get_future().wait();
    gone_ = {};
  }
}

TEST_F(HttpServerTest, AClientThatLeavesEndsItsStream) {
  Client client(server_->address());
  client.Send("GET /count?count=2000000000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(client.HasMore(std::chrono::seconds(60)));
  client.Close();
  gone_.get_future().wait();
}

TEST_F(HttpServerTest, TakesAFileAsItIs) {
  Client client(server_->address());
  const std::string file(1 << 20, '\xFF');
  for (const char* type :
       {"application/x-ndjson", "application/json", "text/plain; charset=utf-8"}) {
    const std::string header = "Content-Type: " + std::string(type) + "\r\n";
    client.Send(Post("/upload?user_id=na", file, header));
    const auto response = client.Read();
    EXPECT_EQ(response.result_int(), 200u);
    EXPECT_THAT(response.body(), HasSubstr(R"("untouched":1048576)"));
    EXPECT_THAT(response.body(), HasSubstr(R"("user_id":"na")"));
  }
  client.Send(Post("/upload", "x", "Content-Type: image/png\r\n"));
  EXPECT_EQ(client.Read().result_int(), 415u);
}

TEST_F(HttpServerTest, TellsAFileThatIsTooLongToComeInParts) {
  Client client(server_->address());
  client.Send("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16777217\r\n\r\n");
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 413u);
  EXPECT_THAT(response.body(), HasSubstr("in parts of whole lines"));
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  Client client(server_->address());
  client.Send(
      "HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health HTTP/1.1\r\nHost: "
      "localhost\r\n\r\n");
  EXPECT_GT(std::stoi(std::string(client.ReadHead()["Content-Length"])), 0);
  EXPECT_THAT(client.Read().body(), HasSubstr("healthy"));
}

TEST_F(HttpServerTest, TakesATargetInAbsoluteForm) {
  Client client(server_->address());
  client.Send("GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 200u);
}

TEST_F(HttpServerTest, NamesAPathThatIsNotUtf8AsNotFound) {
  Client client(server_->address());
  client.Send("GET /\xFF HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 404u);
  EXPECT_THAT(response.body(), HasSubstr("\uFFFD"));
}

TEST_F(HttpServerTest, SaysWhichMethodsAPathHas) {
  Client client(server_->address());
  client.Send("DELETE /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.Read()["Allow"], "GET");
}

TEST_F(HttpServerTest, TakesAClientThatClosesItsSendingSideToHaveLeft) {
  Client client(server_->address());
  client.Send(Post("/echo/wait", "{}"));
  arrived_.get_future().wait();
  client.CloseSendingSide();
  gone_.get_future().wait();
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpServerTest, CancelsTheHandlerWhenTheClientLeaves) {
  Client client(server_->address());
  client.Send(Post("/echo/wait", "{}"));
  arrived_.get_future().wait();
  client.Close();
  gone_.get_future().wait();
}

TEST_F(HttpServerTest, TellsAClientThatItsRequestWasEnded) {
  Client client(server_->address());
  client.Send(Post("/echo/wait", "{}"));
  arrived_.get_future().wait();
  server_->EndRequests(MakeError(ErrorCode::kShuttingDown, "the server is stopping"));
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 503u);
  EXPECT_THAT(response.body(), HasSubstr("SHUTTING_DOWN"));
}

TEST_F(HttpServerTest, EndsARequestAtItsCallersDeadline) {
  Client client(server_->address());
  client.Send(Post("/echo/wait", "{}", "Content-Type: application/json\r\nGrpc-Timeout: 20m\r\n"));
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 504u);
  EXPECT_THAT(response.body(), HasSubstr("DEADLINE_EXCEEDED"));
  gone_.get_future().wait();
  client.Send(Post("/echo/a", "{}", "Content-Type: application/json\r\nGrpc-Timeout: soon\r\n"));
  EXPECT_EQ(client.Read().result_int(), 400u);
}

TEST_F(HttpServerTest, SaysThatItIsDraining) {
  admission_.Close();
  Client client(server_->address());
  client.Send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 503u);
  EXPECT_THAT(response.body(), HasSubstr(R"("status":"draining")"));
}

TEST_F(HttpServerTest, SaysThatThePortIsTaken) {
  const std::string address = server_->address();
  options_.http.port = std::stoi(address.substr(address.rfind(':') + 1));
  const auto second =
      Server::Listen(options_, {}, {{&loop_, nullptr, &methods_, &admission_, &metrics_}});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(address));
}

TEST_F(HttpServerTest, StopEndsIdleConnectionsAtOnce) {
  Client client(server_->address());
  client.Send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.Read();
  server_->Stop(net::Clock::now() + std::chrono::hours(1));
  EXPECT_TRUE(client.IsClosed());
}

}  // namespace
}  // namespace luna::http
