#include <cstdlib>

#include <gmock/gmock.h>

#include "server/config/config.h"
#include "tests/unit/config/loading.h"

namespace luna::config {
namespace {

using testing::HasSubstr;
using testing::Not;

class Variables : public Loading {};

TEST_F(Variables, TheEnvironmentBeatsTheFile) {
  environment_ = {{"LLM_MODE", "server"},          {"LLM_SERVER_URL", "http://127.0.0.1:9/"},
                  {"LLM_MODEL_ALIAS", "local"},    {"LLM_SERVER_API_KEY", "server-key"},
                  {"GEMINI_MODEL", "gemini-next"}, {"LUNA_HTTP_LISTEN", "127.0.0.1:1"},
                  {"LUNA_GRPC_LISTEN", "[::1]:2"}, {"LUNA_DATA_DIR", "/data"}};
  const Config config = Loaded("llm: {mode: api}\ndata_dir: other\nserver: {http: '0.0.0.0:3'}");
  EXPECT_EQ(config.llm.mode, "server");
  EXPECT_EQ(config.llm.default_target, "main");
  const Target& main = config.llm.targets.at("main");
  EXPECT_EQ(main.url, "http://127.0.0.1:9");
  EXPECT_EQ(main.model, "local");
  EXPECT_EQ(main.key, "server-key");
  EXPECT_EQ(config.llm.targets.at("gemini").model, "gemini-next");
  EXPECT_EQ(config.llm.targets.at("gemini").key, "");
  EXPECT_TRUE(config.server.http == (Listen{"127.0.0.1", 1}));
  EXPECT_TRUE(config.server.grpc == (Listen{"::1", 2}));
  EXPECT_EQ(config.data_dir, "/data");
}

TEST_F(Variables, FlagsBeatTheEnvironment) {
  environment_["LUNA_HTTP_LISTEN"] = "127.0.0.1:1";
  environment_["LUNA_GRPC_LISTEN"] = "127.0.0.1:2";
  environment_["LUNA_DATA_DIR"] = "/data";
  flags_.http = "127.0.0.1:3";
  flags_.grpc = "127.0.0.1:4";
  flags_.data_dir = "/flag";
  const Config config = Loaded("");
  EXPECT_EQ(config.server.http.port, 3);
  EXPECT_EQ(config.server.grpc.port, 4);
  EXPECT_EQ(config.data_dir, "/flag");
}

TEST_F(Variables, TheServerVariablesAreTheDefaultServers) {
  environment_["LLM_SERVER_URL"] = "http://127.0.0.1:9";
  const std::string yaml = "llm: {mode: server, servers: {b: {}, a: {}}}";
  EXPECT_EQ(Loaded(yaml).llm.targets.at("b").url, "http://127.0.0.1:9");
  EXPECT_EQ(Loaded(yaml).llm.targets.at("a").url, "http://localhost:8080");
}

TEST_F(Variables, EitherNameOfTheGeminiKeyDoes) {
  environment_ = {{"GENAI_API_KEY", "second"}};
  const Target second = Loaded("").llm.targets.at("gemini");
  EXPECT_EQ(second.key, "second");
  EXPECT_EQ(second.key_env, "GENAI_API_KEY");
  environment_["GEMINI_API_KEY"] = "first";
  const Target first = Loaded("").llm.targets.at("gemini");
  EXPECT_EQ(first.key, "first");
  EXPECT_EQ(first.key_env, "GEMINI_API_KEY");
}

TEST_F(Variables, AnotherKeyIsReadFromItsOwnVariableAlone) {
  const std::string yaml = "llm: {api: {gemini: {key_env: MY_KEY}}}";
  environment_["GENAI_API_KEY"] = "the-secret";
  EXPECT_THAT(Refused(yaml), testing::StartsWith("MY_KEY: not set"));
  environment_["MY_KEY"] = " mine\n";
  EXPECT_EQ(Loaded(yaml).llm.targets.at("gemini").key, "mine");
}

TEST_F(Variables, ApiModeNeedsAKey) {
  environment_.clear();
  const std::string message = Refused("");
  EXPECT_THAT(message, testing::StartsWith("GEMINI_API_KEY: not set"));
  EXPECT_THAT(message, HasSubstr("LLM_MODE=server with LLM_SERVER_URL"));
  EXPECT_THAT(message, HasSubstr("./run"));
  environment_["GEMINI_API_KEY"] = " ";
  EXPECT_EQ(Refused(""), message);
  EXPECT_EQ(Loaded("llm: {mode: server}").llm.targets.at("gemini").key, "");
}

TEST_F(Variables, ATargetThatIsNotTheDefaultNeedsNoKey) {
  const Config config = Loaded("llm: {api: {gemini: {}, other: {key_env: NONE}}}");
  EXPECT_EQ(config.llm.targets.at("other").key, "");
}

TEST_F(Variables, AKeyThatCannotStandInAHeaderIsRefusedUnseen) {
  environment_["GEMINI_API_KEY"] = "AIza\r\nX-Evil: 1";
  EXPECT_EQ(Refused(""), "GEMINI_API_KEY: not a key: it may hold only ASCII, and no white space");
}

TEST_F(Variables, AzuresAreReadWhereItTranslates) {
  environment_["AZURE_TRANSLATOR_KEY"] = " azures\n";
  environment_["AZURE_TRANSLATOR_ENDPOINT"] = "https://mine.cognitiveservices.azure.com/";
  environment_["AZURE_TRANSLATOR_REGION"] = "koreacentral";
  const AzureTranslator azure = {"azures", "https://mine.cognitiveservices.azure.com",
                                 "koreacentral"};
  EXPECT_EQ(Loaded("translation: {engine: azure}").translation.azure, azure);
  EXPECT_EQ(Loaded("").translation.azure, AzureTranslator());
  environment_.erase("AZURE_TRANSLATOR_KEY");
  EXPECT_EQ(Loaded("translation: {engine: azure}").translation.azure.key, "");
}

TEST_F(Variables, AzuresMayStandInAHeader) {
  const auto refused = [&](const std::string& name, const std::string& value) {
    environment_[name] = value;
    const std::string message = Refused("translation: {engine: azure}");
    environment_.erase(name);
    return message;
  };
  EXPECT_EQ(refused("AZURE_TRANSLATOR_KEY", "a b"),
            "AZURE_TRANSLATOR_KEY: not a key: it may hold only ASCII, and no white space");
  EXPECT_EQ(refused("AZURE_TRANSLATOR_REGION", "Korea Central"),
            "AZURE_TRANSLATOR_REGION: expected a region such as koreacentral, got \"Korea "
            "Central\"");
  EXPECT_EQ(refused("AZURE_TRANSLATOR_ENDPOINT", "here"),
            "AZURE_TRANSLATOR_ENDPOINT: not an http:// or https:// address, got \"here\"");
}

TEST_F(Variables, LibreTranslatesKeyIsReadFromItsVariable) {
  environment_["LT_KEY"] = "libre";
  const std::string yaml =
      "translation: {engine: libretranslate, libretranslate: {url: \"http://h/\", key_env: "
      "LT_KEY}}";
  EXPECT_EQ(Loaded(yaml).translation.libretranslate,
            (LibreTranslate{"http://h", "LT_KEY", "libre"}));
}

TEST_F(Variables, AnErrorStartsWithTheVariableOrFlag) {
  const std::string address =
      "expected ADDRESS:PORT such as 127.0.0.1:8000 or [::1]:8000, the port from 0 to 65535, got ";
  const auto refused = [&](const std::string& name, const std::string& value) {
    environment_[name] = value;
    const std::string message = Refused("");
    environment_.erase(name);
    return message;
  };
  EXPECT_EQ(refused("LLM_MODE", "x"), "LLM_MODE: expected one of api, server, got \"x\"");
  EXPECT_EQ(refused("LLM_SERVER_URL", "localhost:8080"),
            "LLM_SERVER_URL: not an http:// or https:// address, got \"localhost:8080\"");
  EXPECT_EQ(refused("LLM_SERVER_URL", "http://me:pass@x"),
            "LLM_SERVER_URL: a URL with a user name or a password is not taken");
  EXPECT_EQ(refused("LLM_MODEL_ALIAS", "a\nb"),
            "LLM_MODEL_ALIAS: expected one line of text, got \"a\\nb\"");
  EXPECT_EQ(refused("GEMINI_MODEL", "a b"),
            "GEMINI_MODEL: expected a model's id such as gemini-2.5-flash, got \"a b\"");
  EXPECT_EQ(refused("LUNA_HTTP_LISTEN", "x"), "LUNA_HTTP_LISTEN: " + address + "\"x\"");
  EXPECT_EQ(refused("LUNA_GRPC_LISTEN", "x"), "LUNA_GRPC_LISTEN: " + address + "\"x\"");
  flags_.http = "1";
  EXPECT_EQ(Refused(""), "--http: " + address + "\"1\"");
  flags_.http = "";
  flags_.grpc = "2";
  EXPECT_EQ(Refused(""), "--grpc: " + address + "\"2\"");
}

TEST_F(Variables, AModelFromTheEnvironmentKeepsOnlyTheThinkingThatItTakes) {
  const auto target = [&](const std::string& model, const std::string& thinking) {
    environment_["GEMINI_MODEL"] = model;
    return Loaded("llm: {api: {gemini: {model: gemini-2.5-flash, " + thinking + "}}}")
        .llm.targets.at("gemini");
  };
  EXPECT_EQ(target("gemini-2.5-flash", "thinking_budget: 0").thinking_budget, 0);
  EXPECT_EQ(target("gemini-2.5-flash-lite", "thinking_budget: 0").thinking_budget, 0);
  EXPECT_EQ(target("gemini-2.5-pro", "thinking_budget: 0").thinking_budget, std::nullopt);
  EXPECT_EQ(target("gemini-2.5-pro", "thinking_budget: 512").thinking_budget, 512);
  EXPECT_EQ(target("gemini-3-flash", "thinking_budget: 0").thinking_budget, std::nullopt);
  EXPECT_EQ(target("gemini-3-flash", "thinking_level: low").thinking_level, "low");
  EXPECT_EQ(target("gemini-2.5-flash-lite", "thinking_level: low").thinking_level, std::nullopt);
  EXPECT_EQ(target("gemini-2.5-flash", "thinking_level: low").thinking_level, "low");
  environment_["GEMINI_MODEL"] = "gemini-3-flash";
  EXPECT_EQ(Loaded("").llm.targets.at("gemini").thinking_budget, std::nullopt);
}

TEST_F(Variables, TheProcessEnvironmentTakesEmptyForUnset) {
  const Environment environment = ProcessEnvironment();
  setenv("LUNA_CONFIG_TEST", "x", 1);
  EXPECT_EQ(environment("LUNA_CONFIG_TEST"), "x");
  setenv("LUNA_CONFIG_TEST", "", 1);
  EXPECT_EQ(environment("LUNA_CONFIG_TEST"), std::nullopt);
  unsetenv("LUNA_CONFIG_TEST");
  EXPECT_EQ(environment("LUNA_CONFIG_TEST"), std::nullopt);
}

TEST_F(Variables, TheDescriptionSaysWhatTheServerWouldDo) {
  environment_["LUNA_GRPC_LISTEN"] = "[::1]:0";
  Config config = Loaded("llm: {fallback: [main]}\nstream: {chunking: raw}");
  config.file = "models.yaml";
  config.system_prompt_file = "persona.txt";
  config.emotion.model_file = "model.bin";
  EXPECT_EQ(Describe(config),
            "file: models.yaml\n"
            "mode: api\n"
            "target: gemini (default)\n"
            "  model: gemini-2.5-flash\n"
            "  url: https://generativelanguage.googleapis.com/v1beta\n"
            "  key: set, from GEMINI_API_KEY\n"
            "  stream: true\n"
            "  thinking_budget: 0\n"
            "target: main\n"
            "  model: Luna\n"
            "  url: http://localhost:8080\n"
            "  key: missing, LLM_SERVER_API_KEY is not set\n"
            "  stream: true\n"
            "fallback: main\n"
            "timeouts: connect 5000 ms, first token 60000 ms, gap 30000 ms, total 300000 ms\n"
            "retries: 2, from 200 ms to 2000 ms\n"
            "system prompt: persona.txt\n"
            "chunking: raw\n"
            "emotion: embedded\n"
            "emotion model: model.bin\n"
            "translation: auto, which asks gemini\n"
            "http: 127.0.0.1:8000\n"
            "grpc: [::1]:0\n"
            "page: client/web\n"
            "auth: none\n"
            "data_dir: data\n");
}

TEST_F(Variables, TheDescriptionShowsNoKey) {
  environment_["LLM_SERVER_API_KEY"] = "other-secret";
  const std::string text = Describe(Loaded(""));
  EXPECT_THAT(text, HasSubstr("key: set, from LLM_SERVER_API_KEY"));
  EXPECT_THAT(text, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace luna::config
