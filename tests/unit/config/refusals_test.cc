#include "server/config/config.h"
#include "tests/unit/config/loading.h"

namespace luna::config {
namespace {

class Refusals : public Loading {};

TEST_F(Refusals, AnUnknownKeyIsNamedWithWhatWasMeant) {
  EXPECT_EQ(Refused("llm:\n  mode: api\n  tempature: 1\n"),
            "models.yaml:3: llm.tempature: unknown key: known here are mode, api, servers, "
            "fallback, timeouts, retries");
  EXPECT_EQ(Refused("llm:\n  api:\n    gemini:\n      modle: x\n"),
            "models.yaml:4: llm.api.gemini.modle: unknown key: did you mean \"model\"?");
  EXPECT_EQ(Refused("\nsever: {}\n"),
            "models.yaml:2: sever: unknown key: did you mean \"server\"?");
  EXPECT_EQ(Refused("server: {Drain-ms: 1}\n"),
            "models.yaml:1: server.Drain-ms: unknown key: did you mean \"drain_ms\"?");
  EXPECT_EQ(Refused("llm: {servers: {main: {ulr: x}}}"),
            "models.yaml:1: llm.servers.main.ulr: unknown key: did you mean \"url\"?");
  EXPECT_EQ(Refused("llm: {api: {g: {safety_settings: [{category: A, threshold: B, x: 1}]}}}"),
            "models.yaml:1: llm.api.g.safety_settings[0].x: unknown key: known here are category, "
            "threshold");
}

TEST_F(Refusals, AKeyPastedIntoTheFileIsNotShown) {
  for (const std::string key :
       {"api_key: AIzaSecret", "key_env: AIzaSecret", "base_url: 'https://me:AIzaSecret@x'",
        "base_url: 'https://x/v1?key=AIzaSecret'"}) {
    const std::string message = Refused("llm: {api: {gemini: {" + key + "}}}");
    EXPECT_EQ(message.find("models.yaml:1: llm.api.gemini."), 0u) << message;
    EXPECT_EQ(message.find("AIzaSecret"), std::string::npos) << message;
  }
}

TEST_F(Refusals, ADuplicateKeyIsRefused) {
  EXPECT_EQ(Refused("llm:\n  mode: api\n  mode: server\n"),
            "models.yaml:3: llm.mode: given twice, first on line 2");
  EXPECT_EQ(Refused("llm:\n  servers:\n    a: {}\n    a: {}\n"),
            "models.yaml:4: llm.servers.a: given twice, first on line 3");
}

TEST_F(Refusals, AWrongTypeIsRefused) {
  EXPECT_EQ(Refused("llm:\n  timeouts:\n    gap_ms: soon\n"),
            "models.yaml:3: llm.timeouts.gap_ms: expected a whole number from 1 to 86400000, got "
            "\"soon\"");
  EXPECT_EQ(Refused("llm:\n  retries:\n    count:\n\n    first_ms: 1\n"),
            "models.yaml:3: llm.retries.count: expected a whole number from 0 to 10, got nothing");
  EXPECT_EQ(Refused("llm: {retries: {count: [1]}}"),
            "models.yaml:1: llm.retries.count: expected a whole number from 0 to 10, got a list");
  EXPECT_EQ(Refused("llm: 3"), "models.yaml:1: llm: expected a map of keys, got \"3\"");
  EXPECT_EQ(Refused("- llm"), "models.yaml:1: expected a map of keys, got a list");
  EXPECT_EQ(Refused("? [a]\n: b\n"), "models.yaml:1: expected a key, got a list");
  EXPECT_EQ(Refused("llm: {fallback: gemini}"),
            "models.yaml:1: llm.fallback: expected a list, got \"gemini\"");
  EXPECT_EQ(Refused("llm: {fallback: [{}]}"),
            "models.yaml:1: llm.fallback[0]: expected a text, got a map");
  EXPECT_EQ(Refused("llm: {servers: {main: {stream: 1}}}"),
            "models.yaml:1: llm.servers.main.stream: expected true or false, got \"1\"");
  EXPECT_EQ(Refused("data_dir: {}"), "models.yaml:1: data_dir: expected a text, got a map");
  EXPECT_EQ(Refused("data_dir: \"a\\nb\""),
            "models.yaml:1: data_dir: expected one line of text, got \"a\\nb\"");
}

TEST_F(Refusals, AWholeNumberIsWrittenInDecimals) {
  for (const std::string text : {"1.5", "1e2", "0x10", "1_0", "99999999999999999999", "''"}) {
    EXPECT_NE(Refused("cache: {max_size: " + text + "}").find("expected a whole number"),
              std::string::npos)
        << text;
  }
}

TEST_F(Refusals, NumbersHaveBounds) {
  const std::string target[] = {"temperature: -0.1", "temperature: 2.1", "temperature: .nan",
                                "temperature: nan",  "temperature: inf", "top_p: 1.01",
                                "top_p: -1",         "max_tokens: 0",    "max_tokens: 1000001"};
  for (const std::string& text : target) {
    for (const std::string map : {"api", "servers"}) {
      const std::string message = Refused("llm: {" + map + ": {t: {" + text + "}}}");
      const std::string key = text.substr(0, text.find(':'));
      EXPECT_EQ(message.find("models.yaml:1: llm." + map + ".t." + key + ": expected a"), 0u)
          << message;
    }
  }
  const std::pair<std::string, std::string> rest[] = {
      {"llm: {api: {gemini: {", "thinking_budget: -2}}}"},
      {"llm: {timeouts: {", "connect_ms: 0}}"},
      {"llm: {timeouts: {", "first_token_ms: -1}}"},
      {"llm: {timeouts: {", "gap_ms: 0}}"},
      {"llm: {timeouts: {", "total_ms: 86400001}}"},
      {"llm: {retries: {", "count: 11}}"},
      {"llm: {retries: {", "first_ms: -1}}"},
      {"llm: {retries: {", "longest_ms: -1}}"},
      {"stream: {", "word_hold_ms: -1}"},
      {"stream: {buffer: {", "words: 0}}"},
      {"stream: {buffer: {", "ms: -1}}"},
      {"translation: {", "wait_ms: -1}"},
      {"translation: {", "deadline_ms: 0}"},
      {"memory: {", "max_entries: -1}"},
      {"memory: {", "max_context_turns: -1}"},
      {"memory: {", "max_context_tokens: -1}"},
      {"memory: {", "summary_threshold: 0}"},
      {"cache: {", "ttl_seconds: 0}"},
      {"cache: {", "max_size: -1}"},
      {"server: {", "max_streams: 0}"},
      {"server: {", "drain_ms: -1}"},
      {"server: {", "heartbeat_ms: 0}"},
      {"server: {", "header_ms: 0}"},
      {"server: {", "body_ms: 0}"},
      {"server: {", "idle_ms: 0}"},
      {"server: {", "write_timeout_ms: 0}"},
  };
  for (const auto& [before, text] : rest) {
    const std::string message = Refused(before + text);
    const std::string key = text.substr(0, text.find(':'));
    EXPECT_NE(message.find("." + key + ": expected a whole number from"), std::string::npos)
        << before << text << " " << message;
  }
}

TEST_F(Refusals, AnUnknownWordIsRefusedWithTheKnownOnes) {
  EXPECT_EQ(Refused("llm:\n  mode: cloud\n"),
            "models.yaml:2: llm.mode: expected one of api, server, got \"cloud\"");
  EXPECT_EQ(Refused("stream: {chunking: line}"),
            "models.yaml:1: stream.chunking: expected one of word, raw, got \"line\"");
  EXPECT_EQ(Refused("emotion: {engine: x}"),
            "models.yaml:1: emotion.engine: expected one of embedded, llm, off, got \"x\"");
  EXPECT_EQ(Refused("emotion:\n  target: nobody"),
            "models.yaml:2: emotion.target: expected a name under llm.api or llm.servers, got "
            "\"nobody\"");
  EXPECT_EQ(Refused("translation: {engine: x}"),
            "models.yaml:1: translation.engine: expected one of auto, llm, azure, libretranslate, "
            "off, got \"x\"");
  EXPECT_EQ(Refused("cache: {replay: x}"),
            "models.yaml:1: cache.replay: expected one of whole, words, got \"x\"");
}

TEST_F(Refusals, WithoutTokensAnAddressThatOthersReachIsRefused) {
  const std::string why =
      " is not loopback, and nobody who reaches it would have to say who he is: name a file of "
      "tokens in auth.tokens_file (luna-server --new-token USER makes one), or write auth.none: "
      "true";
  EXPECT_EQ(Refused("server: {http: '0.0.0.0:8000'}"),
            "server.http (LUNA_HTTP_LISTEN, --http): 0.0.0.0:8000" + why);
  EXPECT_EQ(Refused("server: {grpc: '[::]:1'}"),
            "server.grpc (LUNA_GRPC_LISTEN, --grpc): [::]:1" + why);
  for (const std::string host : {"192.168.0.2", "128.0.0.1", "[::ffff:127.0.0.1]", "[::2]"}) {
    EXPECT_EQ(Refused("server: {http: '" + host + ":1'}").find("server.http"), 0u) << host;
  }
  for (const std::string host : {"127.0.0.1", "127.255.0.9", "localhost", "[::1]", "[0:0::0:1]"}) {
    EXPECT_EQ(Refused("server: {http: '" + host + ":1', grpc: '" + host + ":2'}"), "loaded")
        << host;
  }
  EXPECT_EQ(Refused("auth: {none: true}\nserver: {http: '0.0.0.0:1', grpc: '[::]:1'}"), "loaded");
  flags_.grpc = "10.0.0.1:1";
  EXPECT_EQ(Refused(""), "server.grpc (LUNA_GRPC_LISTEN, --grpc): 10.0.0.1:1" + why);
}

TEST_F(Refusals, TokensAndNoneTogetherAreRefused) {
  EXPECT_EQ(Refused("auth:\n  tokens_file: tokens\n  none: true\n"),
            "models.yaml:3: auth.none: cannot stand beside auth.tokens_file");
}

TEST_F(Refusals, BrokenYamlIsRefusedWithItsLine) {
  EXPECT_EQ(Refused("a: b: c\n"), "models.yaml:1: not YAML: illegal map value");
  EXPECT_EQ(Refused("llm:\n\tmode: api\n").find("models.yaml:2: not YAML: "), 0u);
  EXPECT_EQ(Refused("llm:\n  mode: [api\n").find("models.yaml:3: not YAML: "), 0u);
  EXPECT_EQ(Refused("data_dir: a\n---\ndata_dir: b\n"),
            "models.yaml:3: a second document; one is read");
  EXPECT_EQ(Refused(std::string(100000, '[')).find("models.yaml:1: not YAML: "), 0u);
}

TEST_F(Refusals, EveryPrefixOfTheShippedFileIsReadOrRefused) {
  std::ifstream file(LUNA_CONFIG_FOLDER "/models.yaml");
  const std::string shipped((std::istreambuf_iterator<char>(file)), {});
  ASSERT_GT(shipped.size(), 1000u);
  environment_["LLM_MODE"] = "server";  // a part of a key_env names no key
  for (std::size_t size = 0; size < shipped.size(); size += 7) {
    const std::string message = Refused(shipped.substr(0, size));
    EXPECT_TRUE(message == "loaded" || message.find("models.yaml:") == 0) << message;
  }
}

TEST_F(Refusals, AFileInAnotherEncodingIsRefusedWithItsLine) {
  EXPECT_EQ(Refused("# one\n# \xB7\xE7\xB3\xAA\ndata_dir: x\n"),
            "models.yaml:2: not UTF-8: save the file as UTF-8");
}

TEST_F(Refusals, AFileThatCannotBeReadIsNamed) {
  EXPECT_EQ(Message(LoadFile(folder_ / "none.yaml")), "none.yaml: no such file");
  EXPECT_EQ(Message(LoadFile(folder_ / "prompts")), "prompts: cannot be read: Is a directory");
  EXPECT_EQ(Refused(std::string((1 << 20) + 1, '#')), "models.yaml: larger than 1 MiB");
}

TEST_F(Refusals, TheDefaultFileIsNamedWhereItIsMissing) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  EXPECT_EQ(Message(LoadFile("")), "config/models.yaml: no such file");
  std::filesystem::create_directories(folder_ / "config");
  Write("config/models.yaml", "prompt: {system_file: ''}");
  EXPECT_TRUE(LoadFile("").ok());
  std::filesystem::current_path(before);
}

TEST_F(Refusals, ABadUrlIsRefused) {
  for (const std::string url :
       {"nowhere", "ftp://x", "http://", "http:///path", "http://a b", "http://a:0", "http://a:x",
        "http://a:70000", "http://[::1", "http://[::g]:1", "http://a/b c", "http://루나", ""}) {
    const std::string message =
        Refused("llm:\n  servers:\n    main:\n      url: \"" + url + "\"\n");
    EXPECT_EQ(message.find("models.yaml:4: llm.servers.main.url: not a"), 0u) << message;
    EXPECT_NE(message.find(", got \"" + url), std::string::npos) << message;
  }
  EXPECT_EQ(Refused("llm: {api: {gemini: {base_url: nowhere}}}"),
            "models.yaml:1: llm.api.gemini.base_url: not an http:// or https:// address, got "
            "\"nowhere\"");
  EXPECT_EQ(Refused("translation: {engine: libretranslate}"),
            "models.yaml:1: translation.engine: libretranslate needs its address in "
            "translation.libretranslate.url");
}

TEST_F(Refusals, ABadAddressIsRefused) {
  for (const std::string address : {"127.0.0.1", "127.0.0.1:", ":8000", "8000", "127.0.0.1:70000",
                                    "127.0.0.1:-1", "::1:8000", "[::1]", "[::1]8000", "[]:1",
                                    "[127.0.0.1]:1", "example.com:1", "127.0.0.1:1:2", "1.2.3:4"}) {
    EXPECT_EQ(Refused("server:\n  grpc: \"" + address + "\"\n"),
              "models.yaml:2: server.grpc: expected ADDRESS:PORT such as 127.0.0.1:8000 or "
              "[::1]:8000, the port from 0 to 65535, got \"" +
                  address + "\"");
  }
}

TEST_F(Refusals, OriginsAndHostsHaveTheirForms) {
  EXPECT_EQ(
      Refused("server:\n  cors_origins:\n    - https://a.example\n    - https://a.example/\n"),
      "models.yaml:4: server.cors_origins[1]: expected an origin such as "
      "https://example.com, or *, got \"https://a.example/\"");
  EXPECT_EQ(Refused("server: {hosts: ['http://a']}"),
            "models.yaml:1: server.hosts[0]: expected a host such as example.com or "
            "example.com:8000, got \"http://a\"");
}

TEST_F(Refusals, ATargetIsInOneMapOnly) {
  EXPECT_EQ(Refused("llm:\n  api:\n    main: {}\n  servers:\n    main: {}\n"),
            "models.yaml:5: llm.servers.main: there is a target of this name under llm.api");
}

TEST_F(Refusals, ATargetHasAPlainName) {
  EXPECT_EQ(Refused("llm: {servers: {\"a b\": {}}}"),
            "models.yaml:1: llm.servers.a b: expected a name of at most 64 bytes without white "
            "space and quotes, got \"a b\"");
  EXPECT_NE(Refused("llm: {servers: {" + std::string(65, 'a') + ": {}}}"), "loaded");
  EXPECT_EQ(Refused("llm: {servers: {\"qwen2.5:7b\": {}, 루나: {}}}"), "loaded");
}

TEST_F(Refusals, AModelIsAPartOfGeminisUrl) {
  EXPECT_EQ(Refused("llm: {api: {gemini: {model: 'a/b?c'}}}"),
            "models.yaml:1: llm.api.gemini.model: expected a model's id such as gemini-2.5-flash, "
            "got \"a/b?c\"");
}

TEST_F(Refusals, AFallbackIsATarget) {
  EXPECT_EQ(Refused("llm:\n  fallback:\n    - main\n    - nobody\n"),
            "models.yaml:4: llm.fallback[1]: expected a name under llm.api or llm.servers, got "
            "\"nobody\"");
}

TEST_F(Refusals, AModeHasATarget) {
  EXPECT_EQ(Refused("llm:\n  mode: server\n  servers: {}\n"),
            "models.yaml:2: llm.mode: server needs a target under llm.servers");
  EXPECT_EQ(Refused("llm:\n  api: {}\n"),
            "models.yaml:1: llm.mode: api needs a target under llm.api");
  environment_["LLM_MODE"] = "server";
  EXPECT_EQ(Refused("llm: {servers: {}}"), "LLM_MODE: server needs a target under llm.servers");
}

TEST_F(Refusals, ThinkingIsSetInOneWay) {
  EXPECT_EQ(Refused("llm:\n  api:\n    g:\n      thinking_budget: 0\n      thinking_level: low\n"),
            "models.yaml:5: llm.api.g.thinking_level: cannot stand beside thinking_budget");
}

TEST_F(Refusals, ASafetySettingIsWhole) {
  EXPECT_EQ(Refused("llm:\n  api:\n    g:\n      safety_settings:\n        - {category: A}\n"),
            "models.yaml:5: llm.api.g.safety_settings[0]: expected a category and a threshold");
}

TEST_F(Refusals, RetriesGrow) {
  EXPECT_EQ(Refused("llm:\n  retries: {first_ms: 2001}\n"),
            "models.yaml:2: llm.retries: expected longest_ms to be at least first_ms");
}

TEST_F(Refusals, APersonaIsAReadableUtf8Text) {
  EXPECT_EQ(Refused("prompt:\n  system_file: gone.txt\n"),
            "models.yaml:2: prompt.system_file: no such file: \"gone.txt\"");
  EXPECT_EQ(Refused("prompt: {system_file: prompts}"),
            "models.yaml:1: prompt.system_file: cannot be read: Is a directory: \"prompts\"");
  Write("bad.txt", "\xB7\xE7");
  EXPECT_EQ(Refused("prompt: {system_file: bad.txt}"),
            "models.yaml:1: prompt.system_file: not a UTF-8 text: \"bad.txt\"");
  Write("empty.txt", " \n");
  EXPECT_EQ(Refused("prompt: {system_file: empty.txt}"),
            "models.yaml:1: prompt.system_file: nothing in it (\"\" is no persona): "
            "\"empty.txt\"");
}

TEST_F(Refusals, ALongValueIsCut) {
  const std::string message = Refused("llm: {mode: " + std::string(1000, 'x') + "}");
  EXPECT_LT(message.size(), 200u);
}

}  // namespace
}  // namespace luna::config
