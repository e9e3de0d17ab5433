#include "server/translation/rest.h"

#include <functional>
#include <optional>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/error.h"
#include "tests/support/raw_server.h"

namespace luna::translation {
namespace {

using std::chrono::milliseconds;
using test::RawServer;
using testing::ElementsAre;
using testing::HasSubstr;
using Translation = std::optional<std::string>;

// --- requests and answers ---

const Passage kGreeting{"안녕 \"루나\"", "ko", "en"};

TEST(AzureApi, AsksAsItsDocumentationSays) {
  config::AzureTranslator config;
  config.key = "the-key";
  net::HttpRequest request = AzureApi(config).request(kGreeting);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(
      request.url,
      "https://api.cognitive.microsofttranslator.com/translate?api-version=3.0&from=ko&to=en");
  EXPECT_EQ(request.body, R"([{"Text":"안녕 \"루나\""}])");
  EXPECT_THAT(request.headers, ElementsAre("Content-Type: application/json; charset=UTF-8",
                                           "Ocp-Apim-Subscription-Key: the-key"));
  config.region = "koreacentral";
  request = AzureApi(config).request({"Hello", "", "zh-Hans"});
  EXPECT_EQ(request.url,
            "https://api.cognitive.microsofttranslator.com/translate?api-version=3.0&to=zh-Hans");
  EXPECT_EQ(request.headers.back(), "Ocp-Apim-Subscription-Region: koreacentral");
}

TEST(AzureApi, KnowsTheEndpointOfAResource) {
  config::AzureTranslator config;
  config.url = "https://mine.cognitiveservices.azure.com";
  EXPECT_EQ(AzureApi(config).request(kGreeting).url,
            "https://mine.cognitiveservices.azure.com/translator/text/v3.0/"
            "translate?api-version=3.0&from=ko&to=en");
}

TEST(AzureApi, ReadsTheTranslation) {
  const RestApi api = AzureApi({});
  EXPECT_EQ(api.translation(R"([{"translations":[{"text":"Hello, Luna","to":"en"}]}])"),
            Translation("Hello, Luna"));
  EXPECT_EQ(api.translation(R"([{"detectedLanguage":{"language":"ko","score":1.0},)"
                            R"("translations":[{"text":"Hi","to":"en"}]}])"),
            Translation("Hi"));
  for (const char* body : {"", "{", "{}", "[]", "[1]", "[{}]", R"([{"translations":1}])",
                           R"([{"translations":[]}])", R"([{"translations":[1]}])",
                           R"([{"translations":[{}]}])", R"([{"translations":[{"text":1}]}])"}) {
    EXPECT_EQ(api.translation(body), std::nullopt) << body;
  }
}

TEST(LibreTranslateApi, AsksAsItsDocumentationSays) {
  net::HttpRequest request =
      LibreTranslateApi({"http://h:5000", "LT_KEY", "the-key"}).request(kGreeting);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "http://h:5000/translate");
  EXPECT_THAT(request.headers, ElementsAre("Content-Type: application/json"));
  EXPECT_EQ(request.body, R"({"q":"안녕 \"루나\"","source":"ko","target":"en","format":"text",)"
                          R"("api_key":"the-key"})");
  request = LibreTranslateApi({"http://h:5000", "", ""}).request({"Hello", "", "ko"});
  EXPECT_EQ(request.body, R"({"q":"Hello","source":"auto","target":"ko","format":"text"})");
}

TEST(LibreTranslateApi, ReadsTheTranslation) {
  const RestApi api = LibreTranslateApi({});
  EXPECT_EQ(api.translation(R"({"translatedText":"Hello"})"), Translation("Hello"));
  EXPECT_EQ(api.translation(R"({"detectedLanguage":{"confidence":90,"language":"ko"},)"
                            R"("translatedText":"Hello"})"),
            Translation("Hello"));
  for (const char* body : {"", "{", "[]", "{}", R"({"translatedText":["Hello"]})"}) {
    EXPECT_EQ(api.translation(body), std::nullopt) << body;
  }
}

// --- retries, limits, errors ---

std::string Response(const std::string& status, const std::string& body,
                     const std::string& headers = "") {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

const std::string kHello = Response("200 OK", R"({"translatedText":"Hello"})");

class RestTranslatorTest : public testing::Test {
 protected:
  RestTranslatorTest() {
    config_.llm.retries = {2, milliseconds(1), milliseconds(5)};
    config_.translation.deadline = std::chrono::minutes(1);
  }

  // What comes of a service that answers with these, one after the other.
  absl::StatusOr<std::string> Translate(std::vector<std::string> responses) {
    std::size_t next = 0;
    RawServer server(static_cast<int>(responses.size()), [&](RawServer::Socket& socket) {
      RawServer::ReadHeaders(socket);
      RawServer::Write(socket, responses[next++]);
    });
    const auto result = TranslateAt(server.url());
    asked_ = next;
    return result;
  }

  absl::StatusOr<std::string> TranslateAt(const std::string& url) {
    boost::asio::io_context context;
    net::HttpClient client(context, {});
    RestTranslator translator(LibreTranslateApi({url, "LT_KEY", "the-key"}), config_, client,
                              metrics_);
    std::optional<absl::StatusOr<std::string>> result;
    Passage passage = kGreeting;
    boost::asio::co_spawn(
        context, translator.Translate(std::move(passage)),
        [&](std::exception_ptr, absl::StatusOr<std::string> r) { result = std::move(r); });
    while (!result) context.run_one();
    return *result;
  }

  std::string CodeOf(std::vector<std::string> responses) {
    const auto result = Translate(std::move(responses));
    message_ = ErrorOf(result.status()).message();
    return result.ok() ? "OK" : ErrorOf(result.status()).code();
  }

  config::Config config_;
  telemetry::Metrics metrics_;
  std::size_t asked_ = 0;
  std::string message_;
};

TEST_F(RestTranslatorTest, GivesTheTranslation) { EXPECT_EQ(*Translate({kHello}), "Hello"); }

TEST_F(RestTranslatorTest, TriesAgainWhatMayPass) {
  for (const char* status : {"408 Request Timeout", "429 Too Many Requests", "500 Internal",
                             "502 Bad Gateway", "503 Unavailable", "504 Gateway Timeout"}) {
    EXPECT_EQ(*Translate({Response(status, R"({"error":"later"})"), kHello}), "Hello") << status;
  }
  EXPECT_EQ(*Translate({"", kHello}), "Hello");  // closed without a byte
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("luna_upstream_retries_total{target=\"libretranslate\"} 7\n"));
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("luna_upstream_requests_open{target=\"libretranslate\"} 0\n"));
}

TEST_F(RestTranslatorTest, TriesAgainSoOftenAndNoMore) {
  const std::string down = Response("503 Unavailable", R"({"error":"down"})");
  EXPECT_EQ(CodeOf({down, down, down}), "UPSTREAM_UNAVAILABLE");
  EXPECT_EQ(asked_, 3u);
  EXPECT_EQ(message_, "libretranslate: HTTP 503: down");
}

TEST_F(RestTranslatorTest, TriesNothingElseAgain) {
  EXPECT_EQ(CodeOf({Response("400 Bad Request", R"({"error":"zz is not supported"})")}),
            "UPSTREAM_REJECTED");
  EXPECT_EQ(message_, "libretranslate: HTTP 400: zz is not supported");
  EXPECT_EQ(CodeOf({Response("403 Forbidden", R"({"error":"Invalid API key the-key"})")}),
            "UPSTREAM_AUTH");
  EXPECT_EQ(message_, "libretranslate: HTTP 403: Invalid API key *** (the key is that of LT_KEY)");
  for (const char* status : {"404 Not Found", "301 Moved", "204 No Content"}) {
    EXPECT_EQ(CodeOf({Response(status, "")}), "UPSTREAM_REJECTED") << status;
    EXPECT_THAT(message_, HasSubstr("(translation.libretranslate.url)"));
  }
  for (const char* body : {"", "<html>", R"({"translatedText":""})"}) {
    EXPECT_EQ(CodeOf({Response("200 OK", body)}), "UPSTREAM_PROTOCOL") << body;
  }
  EXPECT_EQ(CodeOf({Response("200 OK", std::string(300 << 10, 'x'))}), "UPSTREAM_PROTOCOL");
}

TEST_F(RestTranslatorTest, WaitsNoLongerForARetryThanItsDeadline) {
  EXPECT_EQ(CodeOf({Response("429 Too Many Requests", R"({"error":"Slowdown: 1 per 1 minute"})",
                             "Retry-After: 3600\r\n")}),
            "UPSTREAM_QUOTA");
  EXPECT_EQ(message_, "libretranslate: HTTP 429: Slowdown: 1 per 1 minute");
}

TEST_F(RestTranslatorTest, ItsDeadlineIsForTheWhole) {
  config_.translation.deadline = milliseconds(50);
  RawServer server(1, [](RawServer::Socket& socket) {
    RawServer::ReadHeaders(socket);
    RawServer::Write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
    RawServer::WaitUntilClosed(socket);
  });
  const auto result = TranslateAt(server.url());
  EXPECT_EQ(ErrorOf(result.status()).code(), "UPSTREAM_TIMEOUT");
  EXPECT_EQ(ErrorOf(result.status()).message(),
            "libretranslate: no translation within 50 ms (translation.deadline_ms)");
}

TEST_F(RestTranslatorTest, IllFormedUtf8IsRepaired) {
  EXPECT_EQ(*Translate({Response("200 OK", "{\"translatedText\":\"a\xFF\"}")}), "a\uFFFD");
}

}  // namespace
}  // namespace luna::translation
