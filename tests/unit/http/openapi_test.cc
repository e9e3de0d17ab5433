#include "server/http/openapi.h"

#include <cctype>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include "echo.pb.h"
#include "luna/v1/cache.pb.h"
#include "luna/v1/emotion.pb.h"
#include "luna/v1/generation.pb.h"
#include "luna/v1/interaction.pb.h"
#include "luna/v1/memory.pb.h"
#include "luna/v1/translation.pb.h"
#include "server/http/openapi_limits.h"
#include "server/interaction/checks.h"
#include "server/rpc/limits.h"

namespace luna::http {
namespace {

using testing::HasSubstr;
using Json = rapidjson::Value;

template <class Message>
const google::protobuf::ServiceDescriptor* ServiceOf() {
  return Message::descriptor()->file()->service(0);
}

Routes LunaRoutes() {
  return Routes({ServiceOf<v1::AnswerRequest>(), ServiceOf<v1::AnalyzeRequest>(),
                 ServiceOf<v1::TranslateRequest>(), ServiceOf<v1::ListRecentRequest>(),
                 ServiceOf<v1::GetCacheStatsRequest>(), ServiceOf<v1::GenerateRequest>()});
}

class OpenApiTest : public testing::Test {
 protected:
  void Read(const Routes& routes, bool needs_token = false) {
    const std::string text = OpenApi(routes, needs_token);
    ASSERT_FALSE(json_.Parse(text.c_str()).HasParseError()) << text.substr(json_.GetErrorOffset());
  }

  // What stands at a path such as {"info", "title"}; null where nothing does.
  const Json& At(std::initializer_list<std::string> path) const {
    static const Json nothing;
    const Json* place = &json_;
    for (const std::string& name : path) {
      if (!place->IsObject() || !place->HasMember(name.c_str())) return nothing;
      place = &(*place)[name.c_str()];
    }
    return *place;
  }

  const Json* Parameter(const std::string& path, const std::string& method,
                        const std::string& name) const {
    for (const Json& parameter : At({"paths", path, method, "parameters"}).GetArray()) {
      if (parameter["name"].GetString() == name) return &parameter;
    }
    return nullptr;
  }

  rapidjson::Document json_;
};

void CollectReferences(const Json& value, std::set<std::string>& references) {
  if (value.IsArray()) {
    for (const Json& item : value.GetArray()) CollectReferences(item, references);
  } else if (value.IsObject()) {
    for (const auto& member : value.GetObject()) {
      if (std::string(member.name.GetString()) == "$ref")
        references.insert(member.value.GetString());
      CollectReferences(member.value, references);
    }
  }
}

std::set<std::string> Names(const Json& texts) {
  std::set<std::string> names;
  if (!texts.IsArray()) return names;
  for (const Json& text : texts.GetArray()) names.insert(text.GetString());
  return names;
}

TEST_F(OpenApiTest, HoldsEveryRouteAndNothingElse) {
  const Routes routes = LunaRoutes();
  Read(routes);
  std::set<std::string> expected{"get /health", "get /metrics", "get /openapi.json",
                                 "post /v1/chat/completions"};
  for (const Pattern& pattern : routes.patterns()) {
    std::string form;
    for (const char c : pattern.http_method) form += static_cast<char>(std::tolower(c));
    form += " ";
    for (const std::string& segment : pattern.segments) form += "/" + segment;
    expected.insert(form);
  }
  std::set<std::string> written;
  for (const auto& path : At({"paths"}).GetObject()) {
    for (const auto& method : path.value.GetObject()) {
      written.insert(std::string(method.name.GetString()) + " " + path.name.GetString());
    }
  }
  EXPECT_EQ(written, expected);
}

TEST_F(OpenApiTest, WhatIsReferredToIsThereAndWhatIsThereIsReferredTo) {
  Read(LunaRoutes());
  std::set<std::string> references;
  CollectReferences(json_, references);
  std::set<std::string> written;
  for (const char* kind : {"schemas", "responses"}) {
    for (const auto& part : At({"components", kind}).GetObject()) {
      written.insert(std::string("#/components/") + kind + "/" + part.name.GetString());
    }
  }
  EXPECT_EQ(references, written);
}

TEST_F(OpenApiTest, NamesEachOperationOnce) {
  Read(Routes({ServiceOf<luna::test::EchoRequest>()}));
  EXPECT_STREQ(At({"paths", "/echo/{name}", "post", "operationId"}).GetString(), "Echo3");
  std::set<std::string> others{At({"paths", "/echo", "get", "operationId"}).GetString(),
                               At({"paths", "/echo/nested", "put", "operationId"}).GetString()};
  EXPECT_EQ(others, (std::set<std::string>{"Echo", "Echo2"}));
}

TEST_F(OpenApiTest, PutsIntoTheQueryWhatAQueryCanHold) {
  Read(Routes({ServiceOf<luna::test::EchoRequest>()}));
  EXPECT_TRUE(At({"paths", "/echo", "get", "requestBody"}).IsNull());
  EXPECT_STREQ((*Parameter("/echo", "get", "count"))["schema"]["type"].GetString(), "integer");
  EXPECT_STREQ((*Parameter("/echo", "get", "tags"))["schema"]["type"].GetString(), "array");
  EXPECT_STREQ((*Parameter("/echo", "get", "tags"))["schema"]["items"]["type"].GetString(),
               "string");
  EXPECT_STREQ((*Parameter("/echo", "get", "nested.flag"))["schema"]["type"].GetString(),
               "boolean");
  EXPECT_STREQ((*Parameter("/echo/{name}", "post", "name"))["in"].GetString(), "path");
  EXPECT_EQ((*Parameter("/echo/{name}", "post", "name"))["required"].GetBool(), true);
  EXPECT_EQ(Parameter("/echo/{name}", "post", "count"), nullptr);  // "*" turns the query off
  EXPECT_STREQ((*Parameter("/upload", "post", "user_id"))["in"].GetString(), "query");
  EXPECT_EQ(Parameter("/upload", "post", "data"), nullptr);
}

TEST_F(OpenApiTest, SaysWhichBodiesARouteTakes) {
  Read(Routes({ServiceOf<luna::test::EchoRequest>()}));
  const Json& file = At({"paths", "/upload", "post", "requestBody", "content"});
  ASSERT_EQ(file.MemberCount(), 3u);
  EXPECT_FALSE(At({"paths", "/upload", "post", "requestBody", "required"}).GetBool());
  EXPECT_STREQ(file["application/x-ndjson"]["schema"]["format"].GetString(), "binary");
  const Json& nested =
      At({"paths", "/echo/nested", "put", "requestBody", "content", "application/json", "schema"});
  EXPECT_STREQ(nested["$ref"].GetString(), "#/components/schemas/EchoRequest.NestedInput");
}

TEST_F(OpenApiTest, AResponseHasWhatHasNoPresenceAndARequestNoFieldButThese) {
  Read(Routes({ServiceOf<luna::test::EchoRequest>()}));
  const Json& schemas = At({"components", "schemas"});
  EXPECT_EQ(Names(schemas["EchoRequest"]["required"]),
            (std::set<std::string>{"name", "count", "tags", "user_id"}));
  EXPECT_FALSE(schemas["EchoRequest"].HasMember("additionalProperties"));
  EXPECT_EQ(schemas["EchoRequestInput"]["additionalProperties"].GetBool(), false);
  EXPECT_FALSE(schemas["EchoRequestInput"].HasMember("required"));
  EXPECT_EQ(Names(schemas["EchoResponse"]["required"]), (std::set<std::string>{"untouched"}));
  EXPECT_STREQ(schemas["EchoResponse"]["properties"]["request"]["$ref"].GetString(),
               "#/components/schemas/EchoRequest");
}

TEST_F(OpenApiTest, TellsLimitsOfRequestsAlone) {
  Read(LunaRoutes());
  const Json& input = At({"components", "schemas", "InteractRequest", "properties", "input"});
  EXPECT_EQ(input["maxLength"].GetInt(), 16384);
  EXPECT_TRUE(input.HasMember("pattern"));
  EXPECT_EQ(Names(At({"components", "schemas", "InteractRequest", "required"})),
            (std::set<std::string>{"input"}));
  EXPECT_EQ((*Parameter("/memory/recent", "get", "count"))["schema"]["maximum"].GetInt(), 1000);
  EXPECT_EQ((*Parameter("/memory/clear", "delete", "confirm"))["required"].GetBool(), true);
  const Json& listed = At({"components", "schemas", "ListConversationsResponse", "properties"});
  EXPECT_FALSE(listed["limit"].HasMember("maximum"));
}

// Which are written out, since no descriptor tells of them.
TEST_F(OpenApiTest, TellsTheLimitsOfOpenAisFormAsTheyAre) {
  Read(LunaRoutes());
  const Json& fields = At({"components", "schemas", "ChatCompletionRequest", "properties"});
  EXPECT_EQ(fields["temperature"]["maximum"].GetInt(), rpc::kMostTemperature);
  EXPECT_EQ(fields["top_p"]["maximum"].GetInt(), rpc::kMostTopP);
  EXPECT_EQ(fields["stop"]["oneOf"][1]["maxItems"].GetInt(), rpc::kMostStops);
  EXPECT_EQ(fields["user"]["maxLength"].GetInt(), kMostIdBytes);
}

TEST_F(OpenApiTest, EveryLimitIsThatOfAField) {
  std::set<std::string> fields;
  const Routes routes = LunaRoutes();
  for (const Pattern& pattern : routes.patterns()) {
    const auto* request = pattern.route.method->input_type();
    for (int i = 0; i < request->file()->message_type_count(); ++i) {
      const auto* message = request->file()->message_type(i);
      for (int j = 0; j < message->field_count(); ++j) {
        fields.insert(message->field(j)->name());
        fields.insert(message->name() + "." + message->field(j)->name());
      }
    }
  }
  for (const std::string& limited : LimitedFields())
    EXPECT_EQ(fields.count(limited), 1u) << limited;
}

TEST_F(OpenApiTest, DescribesWhatTheProtoSays) {
  Read(LunaRoutes());
  EXPECT_STREQ(At({"paths", "/cache/cleanup", "post", "description"}).GetString(),
               "Deletes the answers that are too old to be given again.");
  EXPECT_STREQ((*Parameter("/memory/recent", "get", "count"))["description"].GetString(),
               "1 to 1000; 10 where it is left out.");
  EXPECT_THAT(At({"components", "schemas", "Usage", "description"}).GetString(),
              HasSubstr("0 where it said nothing"));
}

TEST_F(OpenApiTest, DescribesTheFramesOfAStream) {
  Read(LunaRoutes());
  EXPECT_STREQ(At({"paths", "/interact/stream", "post", "responses", "200", "content",
                   "text/event-stream", "schema", "$ref"})
                   .GetString(),
               "#/components/schemas/InteractFrame");
  EXPECT_EQ(At({"components", "schemas", "InteractFrame", "oneOf"}).Size(), 5u);
  const Json& emotion = At({"components", "schemas", "EmotionFrame"});
  EXPECT_EQ(Names(emotion["required"]), (std::set<std::string>{"type", "data"}));
  EXPECT_EQ(Names(emotion["properties"]["type"]["enum"]), (std::set<std::string>{"emotion"}));
  EXPECT_EQ(Names(emotion["properties"]["data"]["required"]),
            (std::set<std::string>{"emotion", "confidence"}));
  const Json& complete = At({"components", "schemas", "CompleteFrame", "properties"});
  EXPECT_STREQ(complete["data"]["type"].GetString(), "string");
  EXPECT_TRUE(complete.HasMember("timings"));
  EXPECT_TRUE(complete.HasMember("sequence"));
  EXPECT_FALSE(complete.HasMember("text"));
  const Json& error = At({"components", "schemas", "ErrorFrame", "properties"});
  EXPECT_FALSE(error.HasMember("message"));
  EXPECT_TRUE(error.HasMember("text_so_far"));
  EXPECT_TRUE(
      At({"paths", "/memory/export", "get", "responses", "200", "content", "application/x-ndjson"})
          .IsObject());
}

TEST_F(OpenApiTest, NamesTheCodesOfErrorsWithTheirStatus) {
  Read(LunaRoutes());
  const std::string described = At({"components", "responses", "Error", "description"}).GetString();
  EXPECT_THAT(described, HasSubstr("413: INPUT_TOO_LARGE; 429: OVERLOADED, UPSTREAM_QUOTA;"));
  EXPECT_STREQ(At({"paths", "/v1/models", "get", "responses", "default", "$ref"}).GetString(),
               "#/components/responses/OpenAiError");
}

TEST_F(OpenApiTest, AsksForATokenOnlyWhereThereAreTokens) {
  Read(LunaRoutes());
  EXPECT_TRUE(At({"security"}).IsNull());
  EXPECT_TRUE(At({"components", "securitySchemes"}).IsNull());
  Read(LunaRoutes(), true);
  EXPECT_TRUE(At({"security"})[0].HasMember("token"));
  EXPECT_STREQ(At({"components", "securitySchemes", "token", "scheme"}).GetString(), "bearer");
  EXPECT_TRUE(At({"paths", "/health", "get", "security"}).Empty());
  EXPECT_TRUE(At({"paths", "/openapi.json", "get", "security"}).Empty());
}

}  // namespace
}  // namespace luna::http
