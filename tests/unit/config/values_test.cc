#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <yaml-cpp/yaml.h>

#include "server/config/config.h"
#include "server/config/models_yaml.h"
#include "tests/unit/config/loading.h"

namespace luna::config {
namespace {

class Values : public Loading {};

TEST_F(Values, AnEmptyFileIsAllDefaults) {
  const Config config = Loaded("");
  EXPECT_EQ(config.llm.mode, "api");
  EXPECT_EQ(config.llm.default_target, "gemini");
  ASSERT_EQ(config.llm.targets.size(), 2u);

  Target gemini;
  gemini.name = "gemini";
  gemini.url = "https://generativelanguage.googleapis.com/v1beta";
  gemini.model = "gemini-2.5-flash";
  gemini.key_env = "GEMINI_API_KEY";
  gemini.key = "the-secret";
  gemini.thinking_budget = 0;
  EXPECT_TRUE(config.llm.targets.at("gemini") == gemini);

  Target main;
  main.api = Target::Api::kOpenAi;
  main.name = "main";
  main.url = "http://localhost:8080";
  main.model = "Luna";
  main.key_env = "LLM_SERVER_API_KEY";
  EXPECT_TRUE(config.llm.targets.at("main") == main);

  // The rest is what the structs say.
  Config expected;
  expected.file = config.file;
  expected.llm.targets = config.llm.targets;
  expected.llm.default_target = "gemini";
  expected.system_prompt = "너는 루나야.";
  expected.system_prompt_file = folder_ / "prompts/companion.ko.txt";
  expected.emotion.model_file = folder_ / "emotion/model.bin";
  EXPECT_TRUE(config == expected);
}

TEST_F(Values, TheShippedFileIsTheDefaults) {
  absl::StatusOr<Config> shipped = LoadFile(LUNA_CONFIG_FOLDER "/models.yaml");
  ASSERT_TRUE(shipped.ok()) << shipped.status();
  Config defaults = Loaded("");
  EXPECT_NE(shipped->system_prompt.find("루나"), std::string::npos);
  EXPECT_EQ(shipped->system_prompt_file, LUNA_CONFIG_FOLDER "/prompts/companion.ko.txt");
  EXPECT_EQ(shipped->emotion.model_file, LUNA_CONFIG_FOLDER "/emotion/model.bin");
  shipped->emotion.model_file = defaults.emotion.model_file;
  shipped->file = defaults.file;
  shipped->system_prompt = defaults.system_prompt;
  shipped->system_prompt_file = defaults.system_prompt_file;
  EXPECT_TRUE(*shipped == defaults);
}

// Every key with a value that is not its default. The shipped file must hold the same keys.
constexpr char kEveryKey[] = R"(
llm:
  mode: server
  api:
    gemini: {model: gemini-2.5-pro, base_url: "https://example.com/v2/", key_env: GEMINI_API_KEY,
             stream: false, temperature: 0.5, top_p: 0.25, max_tokens: 7, thinking_budget: 512}
    three: {model: gemini-3, thinking_level: low, safety_settings: [{category: A, threshold: B}]}
  servers:
    main: {url: "http://[::1]:81/", alias: qwen, key_env: "", stream: no, temperature: 1, top_p: 1,
           max_tokens: 9}
  fallback: [three, gemini]
  timeouts: {connect_ms: 1, first_token_ms: 2, gap_ms: 3, total_ms: 4}
  retries: {count: 5, first_ms: 6, longest_ms: 7}
prompt: {system_file: other.txt}
stream: {chunking: raw, word_hold_ms: 8, buffer: {words: 9, ms: 10}}
emotion: {engine: llm, model_file: other.bin, target: three, deadline_ms: 28}
translation: {engine: libretranslate, wait_ms: 11, deadline_ms: 12, feeds_model: true,
              libretranslate: {url: "http://localhost:5000/", key_env: LT_KEY}}
memory: {max_entries: 13, max_context_turns: 14, max_context_tokens: 15, summary_threshold: 16,
         enable_auto_summary: true, summary_language: english}
cache: {ttl_seconds: 17, max_size: 18, replay: words}
server: {http: "[::1]:19", grpc: "localhost:20", cors_origins: ["https://a.example"],
         hosts: [luna.example], max_streams: 21, drain_ms: 22, heartbeat_ms: 23, header_ms: 24,
         body_ms: 25, idle_ms: 26, write_timeout_ms: 27, page: false}
auth: {tokens_file: tokens, none: false}
data_dir: elsewhere
)";

constexpr char kTokens[] =
    "abababababababababababababababababababababababababababababababab alice\n";

TEST_F(Values, EveryKeyOfATargetIsRead) {
  Write("other.txt", "other");
  Write("tokens", kTokens);
  environment_["LT_KEY"] = "x";
  const Config config = Loaded(kEveryKey);
  EXPECT_EQ(config.llm.mode, "server");
  EXPECT_EQ(config.llm.default_target, "main");

  Target gemini;
  gemini.name = "gemini";
  gemini.url = "https://example.com/v2";
  gemini.model = "gemini-2.5-pro";
  gemini.key_env = "GEMINI_API_KEY";
  gemini.key = "the-secret";
  gemini.stream = false;
  gemini.temperature = 0.5;
  gemini.top_p = 0.25;
  gemini.max_tokens = 7;
  gemini.thinking_budget = 512;
  EXPECT_TRUE(config.llm.targets.at("gemini") == gemini);

  const Target& three = config.llm.targets.at("three");
  EXPECT_EQ(three.model, "gemini-3");
  EXPECT_EQ(three.thinking_level, "low");
  EXPECT_EQ(three.thinking_budget, std::nullopt);
  EXPECT_TRUE(three.safety_settings == (std::vector<SafetySetting>{{"A", "B"}}));

  Target main;
  main.api = Target::Api::kOpenAi;
  main.name = "main";
  main.url = "http://[::1]:81";
  main.model = "qwen";
  main.stream = false;
  main.temperature = 1;
  main.top_p = 1;
  main.max_tokens = 9;
  EXPECT_TRUE(config.llm.targets.at("main") == main);
}

TEST_F(Values, EveryOtherKeyIsRead) {
  Write("other.txt", "other");
  Write("tokens", kTokens);
  const Config config = Loaded(kEveryKey);
  Config expected;
  expected.file = config.file;
  expected.llm.mode = "server";
  expected.llm.default_target = "main";
  expected.llm.targets = config.llm.targets;
  expected.llm.fallback = {"three", "gemini"};
  using ms = milliseconds;
  expected.llm.timeouts = {ms(1), ms(2), ms(3), ms(4)};
  expected.llm.retries = {5, ms(6), ms(7)};
  expected.system_prompt = "other";
  expected.system_prompt_file = folder_ / "other.txt";
  expected.stream = {Stream::Chunking::kRaw, ms(8), {9, ms(10)}};
  expected.emotion = {"llm", folder_ / "other.bin", "three", ms(28)};
  expected.translation = {
      "libretranslate", ms(11), ms(12), true, {}, {"http://localhost:5000", "LT_KEY", ""}};
  expected.memory = {13, 14, 15, 16, true, "english"};
  expected.cache = {17, 18, "words"};
  expected.server = {{"::1", 19},
                     {"localhost", 20},
                     {"https://a.example"},
                     {"luna.example"},
                     21,
                     ms(22),
                     ms(23),
                     ms(24),
                     ms(25),
                     ms(26),
                     ms(27),
                     false};
  expected.auth = {folder_ / "tokens", {{std::string(32, '\xAB'), "alice"}}, false};
  expected.data_dir = "elsewhere";
  EXPECT_TRUE(config == expected);
}

void CollectKeys(const YAML::Node& node, const std::string& path, std::vector<std::string>& keys) {
  if (!node.IsMap()) return keys.push_back(path);
  for (const auto& pair : node) {
    const std::string& name = pair.first.Scalar();
    const bool target = path == "llm.api" || path == "llm.servers";
    CollectKeys(pair.second, (path.empty() ? "" : path + ".") + (target ? "NAME" : name), keys);
  }
}

TEST_F(Values, TheShippedFileHoldsEveryKey) {
  std::vector<std::string> expected;
  for (const KnownKey& key : KnownKeys()) {
    const bool comment = key.path.find("thinking_level") != std::string::npos ||
                         key.path.find("safety_settings") != std::string::npos;
    if (!comment) expected.push_back(key.path);
  }
  std::vector<std::string> shipped;
  CollectKeys(YAML::LoadFile(LUNA_CONFIG_FOLDER "/models.yaml"), "", shipped);
  EXPECT_THAT(shipped, testing::ElementsAreArray(expected));
}

TEST_F(Values, EveryKeyIsKnownWithItsDefaultAndBounds) {
  std::vector<std::string> every;
  std::vector<std::string> known;
  CollectKeys(YAML::Load(kEveryKey), "", every);
  for (const KnownKey& key : KnownKeys()) {
    const std::size_t list = key.path.find("[]");  // whose items are maps
    known.push_back(key.path.substr(0, list));
  }
  EXPECT_EQ(std::set(known.begin(), known.end()), std::set(every.begin(), every.end()));

  const std::vector<KnownKey> keys = KnownKeys();
  const auto find = [&](const std::string& path) {
    return *std::find_if(keys.begin(), keys.end(), [&](auto& key) { return key.path == path; });
  };
  EXPECT_EQ(find("llm.api.NAME.model").usual, "gemini-2.5-flash");
  EXPECT_EQ(find("stream.chunking").allowed, "word, raw");
  EXPECT_EQ(find("stream.chunking").usual, "word");
  EXPECT_EQ(find("stream.buffer.words").allowed, "1 to 1000");
  EXPECT_EQ(find("server.drain_ms").type, "milliseconds");
  EXPECT_EQ(find("server.http").usual, "127.0.0.1:8000");
}

TEST_F(Values, AMapInTheFileReplacesTheDefaultOne) {
  const Config config = Loaded("llm: {servers: {x: {}}}");
  EXPECT_EQ(config.llm.targets.size(), 2u);
  EXPECT_EQ(config.llm.targets.count("main"), 0u);
  EXPECT_EQ(config.llm.targets.at("x").url, "http://localhost:8080");
  EXPECT_EQ(config.llm.targets.at("x").model, "Luna");
}

TEST_F(Values, AMapWithoutAValueIsLeftOut) {
  const Config config = Loaded("llm:\n  api:\n  servers:\n  fallback:\nserver:\n");
  EXPECT_EQ(config.llm.targets.count("gemini"), 1u);
  EXPECT_EQ(config.llm.targets.count("main"), 1u);
}

TEST_F(Values, ADefaultTargetGivesItsNameToTheFiles) {
  const Config config = Loaded("llm: {mode: server, servers: {gemini: {}}}");
  ASSERT_EQ(config.llm.targets.size(), 1u);
  EXPECT_EQ(config.llm.targets.at("gemini").api, Target::Api::kOpenAi);
}

TEST_F(Values, TheDefaultTargetIsTheWellKnownOneElseTheFirst) {
  EXPECT_EQ(Loaded("llm: {api: {b: {}, a: {}}}").llm.default_target, "b");
  EXPECT_EQ(Loaded("llm: {api: {b: {}, gemini: {}}}").llm.default_target, "gemini");
  EXPECT_EQ(Loaded("llm: {mode: server, servers: {b: {}, a: {}}}").llm.default_target, "b");
  EXPECT_EQ(Loaded("llm: {mode: server, servers: {b: {}, main: {}}}").llm.default_target, "main");
}

TEST_F(Values, AThinkingBudgetComesOnlyWithTheDefaultModel) {
  const auto budget = [&](const std::string& gemini) {
    return Loaded("llm: {api: {gemini: " + gemini + "}}").llm.targets.at("gemini").thinking_budget;
  };
  EXPECT_EQ(budget("{}"), 0);
  EXPECT_EQ(budget("{temperature: 1}"), 0);
  EXPECT_EQ(budget("{model: gemini-2.5-flash}"), 0);
  EXPECT_EQ(budget("{model: gemini-2.5-pro}"), std::nullopt);
  EXPECT_EQ(budget("{model: gemini-2.5-flash, thinking_budget: -1}"), -1);
  EXPECT_EQ(budget("{thinking_level: low}"), std::nullopt);
}

TEST_F(Values, ThePersonaIsReadBesideTheConfigurationAndTrimmed) {
  Write("persona.txt", "\xEF\xBB\xBF  둘째 \n 줄\n\n");
  const Config config = Loaded("prompt: {system_file: persona.txt}");
  EXPECT_EQ(config.system_prompt, "둘째 \n 줄");
  EXPECT_EQ(config.system_prompt_file, folder_ / "persona.txt");
  const std::string path = folder_ / "persona.txt";
  EXPECT_EQ(Loaded("prompt: {system_file: " + path + "}").system_prompt, "둘째 \n 줄");
}

TEST_F(Values, TheDefaultPersonaIsBuiltInWhereItsFileIsNotThere) {
  std::filesystem::remove(folder_ / "prompts/companion.ko.txt");
  const Config config = Loaded("");
  EXPECT_EQ(config.system_prompt_file, "built in");
  EXPECT_NE(config.system_prompt.find("루나"), std::string::npos);
}

TEST_F(Values, NoPersonaIsWrittenAsAnEmptyName) {
  const Config config = Loaded("prompt: {system_file: ''}");
  EXPECT_EQ(config.system_prompt, "");
  EXPECT_EQ(config.system_prompt_file, "");
}

TEST_F(Values, AddressesOfEveryFamilyAreRead) {
  const auto listen = [&](const std::string& text) {
    return Loaded("auth: {none: true}\nserver: {http: '" + text + "'}").server.http;
  };
  EXPECT_TRUE(listen("127.0.0.1:8000") == (Listen{"127.0.0.1", 8000}));
  EXPECT_TRUE(listen("0.0.0.0:0") == (Listen{"0.0.0.0", 0}));
  EXPECT_TRUE(listen("[::1]:65535") == (Listen{"::1", 65535}));
  EXPECT_TRUE(listen("localhost:8000") == (Listen{"localhost", 8000}));
}

TEST_F(Values, AnAliasedMapIsReadInBothPlaces) {
  const Config config = Loaded("llm: {servers: {a: &a {alias: m}, b: *a}}");
  EXPECT_EQ(config.llm.targets.at("b").model, "m");
  EXPECT_EQ(config.llm.targets.at("b").name, "b");
}

TEST_F(Values, ATargetCalledTranslatorTranslatesElseWhoeverAnswersMay) {
  const auto translator = [&](const std::string& yaml, const std::string& answering) {
    const Config config = Loaded(yaml);
    const Target* target = TranslatorOf(config, config.llm.targets.at(answering));
    return target == nullptr ? "nobody" : target->name;
  };
  EXPECT_EQ(translator("", "gemini"), "gemini");
  EXPECT_EQ(translator("", "main"), "nobody");
  EXPECT_EQ(translator("translation: {engine: llm}", "main"), "main");
  const std::string configured = "llm: {servers: {main: {}, translator: {}}}\n";
  EXPECT_EQ(translator(configured, "gemini"), "translator");
  EXPECT_EQ(translator(configured, "main"), "translator");
  EXPECT_EQ(translator(configured + "translation: {engine: llm}", "main"), "translator");
  for (const char* engine :
       {"off", "azure", "libretranslate, libretranslate: {url: \"http://h\"}"}) {
    const std::string yaml = configured + "translation: {engine: " + engine + "}";
    EXPECT_EQ(translator(yaml, "gemini"), "nobody") << engine;
  }
}

}  // namespace
}  // namespace luna::config
