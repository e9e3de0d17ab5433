#include <string>

#include "tests/unit/http/echo_server.h"

namespace luna::http {
namespace {

TEST_F(HttpServerTest, RefusesAForeignHost) {
  Client client(server_->address());
  const auto refused = [&](const std::string& request) {
    client.Send(request);
    const auto response = client.Read();
    EXPECT_THAT(response.body(), HasSubstr("PERMISSION_DENIED"));
    return response.result_int() == 403;
  };
  EXPECT_TRUE(refused("GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n"));
  EXPECT_TRUE(refused("GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_TRUE(refused("OPTIONS /echo HTTP/1.1\r\nHost: evil.example\r\n\r\n"));
  client.Send("GET http://localhost:80/health HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 200u);
}

TEST_F(HttpServerTest, RefusesAForeignOrigin) {
  Client client(server_->address());
  for (const std::string method : {"GET", "OPTIONS"}) {
    client.Send(method +
                " /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n"
                "Access-Control-Request-Method: GET\r\n\r\n");
    const auto response = client.Read();
    EXPECT_EQ(response.result_int(), 403u);
    EXPECT_THAT(response.body(), HasSubstr("PERMISSION_DENIED"));
    EXPECT_EQ(response.count("Access-Control-Allow-Origin"), 0u);
  }
  EXPECT_EQ(calls_, 0);
  client.Send("GET /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 200u);
}

TEST_F(HttpServerTest, SaysInOptionsWhatAPathCanDo) {
  Client client(server_->address());
  const auto options = [&](const std::string& path) {
    client.Send("OPTIONS " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return client.Read();
  };
  const auto echo = options("/echo/a");
  EXPECT_EQ(echo.result_int(), 204u);
  EXPECT_EQ(echo["Allow"], "POST");
  EXPECT_EQ(echo.count("Content-Length"), 0u);
  EXPECT_EQ(echo.count("Content-Type"), 0u);
  for (const char* path : {"/health", "/metrics", "/openapi.json"}) {
    EXPECT_EQ(options(path)["Allow"], "GET, HEAD") << path;
  }
  EXPECT_EQ(options("*").result_int(), 204u);
  EXPECT_EQ(options("/nothing").result_int(), 404u);
}

class CrossOriginTest : public HttpServerTest {
 protected:
  CrossOriginTest()
      : HttpServerTest(With([](auto& options) { options.cors_origins = {"https://a.example"}; })) {}
};

TEST_F(CrossOriginTest, AnswersAPreflight) {
  Client client(server_->address());
  client.Send(
      "OPTIONS /echo/a HTTP/1.1\r\nHost: localhost\r\nOrigin: https://a.example\r\n"
      "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n"
      "\r\n");
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 204u);
  EXPECT_EQ(response["Access-Control-Allow-Origin"], "https://a.example");
  EXPECT_EQ(response["Access-Control-Allow-Methods"], "POST");
  EXPECT_THAT(std::string(response["Access-Control-Allow-Headers"]), HasSubstr("Content-Type"));
  EXPECT_EQ(response["Access-Control-Max-Age"], "600");
  EXPECT_EQ(response["Vary"], "Origin");
  EXPECT_EQ(response.count("Access-Control-Allow-Credentials"), 0u);
}

TEST_F(CrossOriginTest, LetsThePageReadAnswersAndRefusals) {
  Client client(server_->address());
  const std::string fields = "Content-Type: application/json\r\nOrigin: https://a.example\r\n";
  for (const std::string& request :
       {Post("/echo/a", "{}", fields), Post("/echo/fail", "{}", fields),
        Post("/echo/a", "{", fields), Post("/nothing", "{}", fields),
        Post("/echo/a", std::string(300000, ' '), fields)}) {
    client.Send(request);
    const auto response = client.Read();
    EXPECT_EQ(response["Access-Control-Allow-Origin"], "https://a.example");
    EXPECT_EQ(response["Vary"], "Origin");
  }
}

TEST_F(CrossOriginTest, ForgetsTheOriginOfTheRequestBefore) {
  Client client(server_->address());
  client.Send("GET /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: https://a.example\r\n\r\n");
  client.Read();
  client.Send("GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto response = client.Read();
  EXPECT_EQ(response.count("Access-Control-Allow-Origin"), 0u);
  EXPECT_EQ(response["Vary"], "Origin");
}

}  // namespace
}  // namespace luna::http
