#include "server/llm/upstream_error.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/error.h"

namespace luna::llm {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Sun, 06 Nov 1994 08:49:37 GMT
const auto kNow = std::chrono::system_clock::from_time_t(784111777);

config::Target Gemini() {
  config::Target target;
  target.name = "gemini";
  target.model = "gemini-9";
  target.key_env = "GEMINI_API_KEY";
  target.key = "s3cret-key";
  return target;
}

config::Target Local() {
  config::Target target;
  target.api = config::Target::Api::kOpenAi;
  target.name = "main";
  target.model = "Luna";
  target.key_env = "LLM_SERVER_API_KEY";
  return target;
}

v1::Error Refused(const config::Target& target, const Refusal& refusal) {
  return ErrorOf(ErrorOfRefusal(target, refusal, kNow));
}

TEST(UpstreamError, TheStatusDecides) {
  const struct {
    int status;
    const char* code;
    bool retryable;
  } kRows[] = {
      {300, "UPSTREAM_REJECTED", false},   {301, "UPSTREAM_REJECTED", false},
      {307, "UPSTREAM_REJECTED", false},   {400, "UPSTREAM_REJECTED", false},
      {401, "UPSTREAM_AUTH", false},       {402, "UPSTREAM_REJECTED", false},
      {403, "UPSTREAM_AUTH", false},       {404, "UPSTREAM_REJECTED", false},
      {405, "UPSTREAM_REJECTED", false},   {408, "UPSTREAM_UNAVAILABLE", true},
      {413, "UPSTREAM_REJECTED", false},   {422, "UPSTREAM_REJECTED", false},
      {429, "UPSTREAM_QUOTA", true},       {499, "UPSTREAM_UNAVAILABLE", true},
      {500, "UPSTREAM_UNAVAILABLE", true}, {501, "UPSTREAM_UNAVAILABLE", true},
      {502, "UPSTREAM_UNAVAILABLE", true}, {503, "UPSTREAM_UNAVAILABLE", true},
      {504, "UPSTREAM_UNAVAILABLE", true}, {529, "UPSTREAM_UNAVAILABLE", true},
  };
  for (const auto& row : kRows) {
    for (const std::string body : {"", R"({"error":{"message":"words","code":1}})", "<html>"}) {
      SCOPED_TRACE(row.status);
      const v1::Error error = Refused(Gemini(), {row.status, body, "", "https://x/"});
      EXPECT_EQ(error.code(), row.code);
      EXPECT_EQ(error.retryable(), row.retryable);
      EXPECT_THAT(error.message(), StartsWith("gemini: HTTP " + std::to_string(row.status)));
    }
  }
}

TEST(UpstreamError, HasTheProvidersWords) {
  const struct {
    const char* body;
    const char* words;
  } kRows[] = {
      {R"({"error":{"code":400,"message":"no such field","status":"INVALID_ARGUMENT"}})",
       "no such field"},
      {R"([{"error":{"code":400,"message":"in an array"}}])", "in an array"},
      {R"({"error":{"code":400,"message":"of llama.cpp","type":"invalid_request_error"}})",
       "of llama.cpp"},
      {R"({"error":"of Ollama"})", "of Ollama"},
      {R"({"object":"error","message":"of vLLM","code":400})", "of vLLM"},
      {R"({"detail":"of FastAPI"})", "of FastAPI"},
  };
  for (const auto& row : kRows) {
    EXPECT_THAT(Refused(Gemini(), {400, row.body, "", ""}).message(), HasSubstr(row.words));
  }
}

TEST(UpstreamError, A404NamesTheModelAndItsKey) {
  EXPECT_THAT(
      Refused(Gemini(), {404, R"({"error":{"message":"not found"}})", "", ""}).message(),
      AllOf(HasSubstr("not found"), HasSubstr("gemini-9"), HasSubstr("llm.api.gemini.model")));
  EXPECT_THAT(Refused(Local(), {404, "", "", ""}).message(), HasSubstr("llm.servers.main.alias"));
}

TEST(UpstreamError, ABadKeyNamesItsVariable) {
  const char* body =
      R"({"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[)"
      R"({"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}})";
  const v1::Error error = Refused(Gemini(), {400, body, "", ""});
  EXPECT_EQ(error.code(), "UPSTREAM_AUTH");
  EXPECT_THAT(error.message(), AllOf(HasSubstr("API key not valid."), HasSubstr("GEMINI_API_KEY")));
  EXPECT_THAT(Refused(Local(), {401, "", "", ""}).message(), HasSubstr("set LLM_SERVER_API_KEY"));
}

TEST(UpstreamError, NeverShowsTheKey) {
  const v1::Error error =
      Refused(Gemini(), {403, R"({"error":{"message":"bad key s3cret-key!"}})", "", ""});
  EXPECT_THAT(error.message(), AllOf(HasSubstr("bad key ***!"), Not(HasSubstr("s3cret"))));
}

TEST(UpstreamError, ARedirectNamesTheHostAlone) {
  const struct {
    const char* location;
    const char* shown;
  } kRows[] = {
      {"https://user:pw@other.example:444/path?token=1", "redirect to other.example:444,"},
      {"//other.example?token=1", "redirect to other.example,"},
      {"/login?next=https://evil/", "redirect to another path of the same host"},
      {"", "redirect to another path of the same host"},
  };
  for (const auto& row : kRows) {
    const v1::Error error = Refused(Local(), {302, "", "", row.location});
    EXPECT_THAT(error.message(), AllOf(HasSubstr(row.shown), HasSubstr("llm.servers.main.url")));
    EXPECT_THAT(error.message(), AllOf(Not(HasSubstr("token")), Not(HasSubstr("pw"))));
  }
}

TEST(UpstreamError, ABodyOverTheContextIsInputTooLarge) {
  for (
      const char* body :
      {R"({"error":{"code":400,"message":"x","type":"exceed_context_size_error","n_ctx":4096}})",
       R"({"error":{"message":"x","type":"invalid_request_error","code":"context_length_exceeded"}})",
       R"({"object":"error","message":"This model's maximum context length is 4096 tokens.","code":400})",
       R"({"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of tokens allowed (8)."}})"}) {
    EXPECT_EQ(Refused(Local(), {400, body, "", ""}).code(), "INPUT_TOO_LARGE") << body;
  }
}

TEST(UpstreamError, RetryAfterIsSecondsOrADate) {
  const struct {
    const char* header;
    int ms;
  } kRows[] = {
      {"7", 7000},
      {"0", 0},
      {"-5", 0},
      {"soon", 0},
      {"", 0},
      {"Sun, 06 Nov 1994 08:49:47 GMT", 10000},
      {"Sun, 06 Nov 1994 08:49:00 GMT", 0},
      {"99999999999", 86400000},
  };
  for (const auto& row : kRows) {
    for (const int status : {429, 503}) {
      EXPECT_EQ(Refused(Gemini(), {status, "", row.header, ""}).retry_after_ms(), row.ms)
          << row.header;
    }
  }
}

std::string Quota(const std::string& delay, const std::string& quota) {
  return R"({"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[)"
         R"({"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":")" +
         quota + R"("}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":")" +
         delay + R"("}]}})";
}

TEST(UpstreamError, RetryInfoIsRead) {
  const struct {
    const char* delay;
    int ms;
  } kRows[] = {{"37s", 37000}, {"1.5s", 1500}, {"0.0001s", 1},     {"", 0}, {"s", 0}, {"-3s", 0},
               {"nans", 0},    {"3", 0},       {"1e99s", 86400000}};
  for (const auto& row : kRows) {
    const v1::Error error = Refused(Gemini(), {429, Quota(row.delay, "PerMinute"), "", ""});
    EXPECT_EQ(error.retry_after_ms(), row.ms) << row.delay;
    EXPECT_TRUE(error.retryable());
  }
  EXPECT_EQ(Refused(Gemini(), {429, Quota("3s", "PerMinute"), "5", ""}).retry_after_ms(), 5000);
}

TEST(UpstreamError, AQuotaPerDayIsNotRetryable) {
  const v1::Error error = Refused(
      Gemini(), {429, Quota("37s", "GenerateRequestsPerDayPerProjectPerModel-FreeTier"), "", ""});
  EXPECT_EQ(error.code(), "UPSTREAM_QUOTA");
  EXPECT_FALSE(error.retryable());
  EXPECT_EQ(error.retry_after_ms(), 0);
}

TEST(UpstreamError, AnHtmlPageIsNotShown) {
  const v1::Error error = Refused(Gemini(), {502, "<html><h1>Bad Gateway</h1>", "", ""});
  EXPECT_THAT(error.message(),
              AllOf(HasSubstr("HTTP 502"), HasSubstr("not JSON"), Not(HasSubstr("<"))));
}

TEST(UpstreamError, WordsAreOneCleanLine) {
  const std::string body =
      "{\"error\":{\"message\":\"a\\nb\\u001b[1m \xFF" + std::string(5000, 'x') + "\"}}";
  const v1::Error error = Refused(Gemini(), {404, body, "", ""});
  EXPECT_THAT(error.message(), AllOf(HasSubstr("a b [1m \xEF\xBF\xBDxx"), HasSubstr("gemini-9")));
}

TEST(UpstreamError, DeepNestingIsHarmless) {
  EXPECT_EQ(Refused(Gemini(), {500, std::string(64 << 10, '['), "", ""}).code(),
            "UPSTREAM_UNAVAILABLE");
}

TEST(UpstreamError, AnErrorObjectIsMappedByItsCode) {
  const struct {
    const char* json;
    const char* code;
  } kRows[] = {
      {R"({"error":{"code":503,"message":"m"}})", "UPSTREAM_UNAVAILABLE"},
      {R"({"error":{"code":"429","message":"m"}})", "UPSTREAM_QUOTA"},
      {R"({"error":{"code":401,"message":"m"}})", "UPSTREAM_AUTH"},
      {R"({"error":{"code":400,"message":"m"}})", "UPSTREAM_REJECTED"},
      {R"({"error":{"code":200,"message":"m"}})", "UPSTREAM_UNAVAILABLE"},
      {R"({"error":{"code":"server_error","message":"m"}})", "UPSTREAM_UNAVAILABLE"},
      {R"({"error":{"code":null,"message":"m"}})", "UPSTREAM_UNAVAILABLE"},
      {R"({"code":400,"message":"m","type":"exceed_context_size_error"})", "INPUT_TOO_LARGE"},
      {R"({"error":"m"})", "UPSTREAM_UNAVAILABLE"},
      {"m, not JSON", "UPSTREAM_UNAVAILABLE"},
  };
  for (const auto& row : kRows) {
    const v1::Error error = ErrorOf(ErrorOfObject(Gemini(), row.json));
    EXPECT_EQ(error.code(), row.code) << row.json;
    EXPECT_THAT(error.message(), HasSubstr(": m")) << row.json;
  }
}

}  // namespace
}  // namespace luna::llm
