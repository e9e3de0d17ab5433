#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

// config/models.yaml as plain structs. Each default stands here once; Load checks everything once,
// so that nothing behind it checks again.
namespace luna::config {

using std::chrono::milliseconds;

struct SafetySetting {
  std::string category;
  std::string threshold;

  bool operator==(const SafetySetting&) const = default;
};

// One model that can answer: a key under `llm.api` (Gemini's API) or `llm.servers` (OpenAI's).
// Where the file has no `llm.api`, it holds one target `gemini`; where it has no `llm.servers`, one
// target `main`; each unless the file gives its name to another. A map that the file has replaces
// the default one, and what a target leaves out takes its default.
struct Target {
  enum class Api { kGemini, kOpenAi };
  Api api = Api::kGemini;
  std::string name;
  std::string url;      // without a trailing slash: `base_url` or `url`
  std::string model;    // `model` or `alias`
  std::string key_env;  // the variable that the key is read from; empty (servers only): none is
  std::string key;      // empty: none is sent
  bool stream = true;
  double temperature = 0.85;
  double top_p = 0.95;
  int max_tokens = 1024;
  // Gemini: at most one of the two; nothing is sent where neither is set. A target that names
  // neither a model nor one of these gets the default model and its budget, 0: no thinking. Where
  // GEMINI_MODEL puts another model into the place of the file's, only what that model takes is
  // kept: a budget with gemini-2.5 models (but 0 not with gemini-2.5-pro, which cannot but think),
  // a level with all others.
  std::optional<int> thinking_budget;
  std::optional<std::string> thinking_level;
  std::vector<SafetySetting> safety_settings;

  bool operator==(const Target&) const = default;
};

struct Timeouts {
  milliseconds connect{5000};
  milliseconds first_token{60000};
  milliseconds gap{30000};
  milliseconds total{300000};

  bool operator==(const Timeouts&) const = default;
};

struct Retries {
  int count = 2;
  milliseconds first{200};
  milliseconds longest{2000};

  bool operator==(const Retries&) const = default;
};

struct Llm {
  std::string mode = "api";  // api | server
  std::map<std::string, Target> targets;
  // In api mode `gemini`, in server mode `main`, else the first of its map in the file.
  std::string default_target;
  std::vector<std::string> fallback;
  Timeouts timeouts;
  Retries retries;

  bool operator==(const Llm&) const = default;
};

struct Buffer {
  int words = 1;
  milliseconds wait{0};

  bool operator==(const Buffer&) const = default;
};

struct Stream {
  enum class Chunking { kWord, kRaw };
  Chunking chunking = Chunking::kWord;
  milliseconds word_hold{100};
  Buffer buffer;

  bool operator==(const Stream&) const = default;
};

struct Emotion {
  std::string engine = "embedded";  // embedded | llm | off
  // The embedded engine's model, as a path from the working directory. In the file relative to the
  // configuration; where that leaves it out and has none beside it, the one that luna ships with
  // (shipped.h). Whether it can be read shows when it is loaded.
  std::string model_file = "emotion/model.bin";
  std::string target;  // llm: a name under `llm.api` or `llm.servers`; empty: the default one
  milliseconds deadline{1000};  // llm: the embedded engine answers then

  bool operator==(const Emotion&) const = default;
};

// Azure's translator, whose settings are variables of the environment.
inline constexpr char kAzureTranslatorKey[] = "AZURE_TRANSLATOR_KEY";
inline constexpr char kAzureTranslatorEndpoint[] = "AZURE_TRANSLATOR_ENDPOINT";
inline constexpr char kAzureTranslatorRegion[] = "AZURE_TRANSLATOR_REGION";

struct AzureTranslator {
  std::string key;
  std::string url = "https://api.cognitive.microsofttranslator.com";  // without a trailing slash
  std::string region;  // empty: none is sent, which is right for a global resource

  bool operator==(const AzureTranslator&) const = default;
};

struct LibreTranslate {
  std::string url;      // without a trailing slash
  std::string key_env;  // empty: there is no key
  std::string key;      // empty: none is sent

  bool operator==(const LibreTranslate&) const = default;
};

struct Translation {
  std::string engine = "auto";  // auto | llm | azure | libretranslate | off
  milliseconds wait{300};       // for which an answer's words wait, from the request on
  milliseconds deadline{5000};  // after which it is dropped
  bool feeds_model = false;     // the model reads the translation in place of the text
  AzureTranslator azure;        // read where it is the engine
  LibreTranslate libretranslate;

  bool operator==(const Translation&) const = default;
};

struct Memory {
  int max_entries = 0;  // 0: all are kept
  int max_context_turns = 6;
  int max_context_tokens = 1500;
  int summary_threshold = 20;
  bool enable_auto_summary = false;
  std::string summary_language = "korean";

  bool operator==(const Memory&) const = default;
};

struct Cache {
  int ttl_seconds = 3600;
  int max_size = 100;
  std::string replay = "whole";  // whole | words

  bool operator==(const Cache&) const = default;
};

// Where to listen. `host` may be an IPv4 or a (bracketless) IPv6 address or "localhost"; port 0
// takes a free one.
struct Listen {
  std::string host;
  int port = 0;

  bool operator==(const Listen&) const = default;
};

struct Server {
  Listen http{"127.0.0.1", 8000};
  Listen grpc{"127.0.0.1", 50051};
  std::vector<std::string> cors_origins;
  std::vector<std::string> hosts;
  int max_streams = 10000;
  milliseconds drain{20000};
  milliseconds heartbeat{15000};
  milliseconds header{10000};
  milliseconds body{10000};
  milliseconds idle{60000};
  milliseconds write_timeout{60000};
  bool page = true;  // the page for people, at `/`

  bool operator==(const Server&) const = default;
};

// A caller's token, of which only the hash is known.
struct Token {
  std::string sha256;   // 32 bytes
  std::string user_id;  // whom it stands for; "*": it may name any user

  bool operator==(const Token&) const = default;
};

// With a file of tokens every caller needs one of them; without, whoever reaches the server is let
// in, so that it listens on loopback alone unless `none` says that this is meant.
struct Auth {
  std::string tokens_file;    // as a path from the working directory; empty: there is none
  std::vector<Token> tokens;  // what it holds, at least one
  bool none = false;          // not beside tokens_file

  bool operator==(const Auth&) const = default;
};

struct Config {
  std::string file;  // where it was read from
  Llm llm;
  std::string system_prompt;  // what the file below holds, without white space around it
  // `prompt.system_file`, which is relative to the configuration, as a path from the working
  // directory; empty: no system prompt.
  std::string system_prompt_file = "prompts/companion.ko.txt";
  Stream stream;
  Emotion emotion;
  Translation translation;
  Memory memory;
  Cache cache;
  Server server;
  Auth auth;
  std::string data_dir = "data";

  bool operator==(const Config&) const = default;
};

// What a flag says; an empty one says nothing. Flags beat the environment, which beats the file.
struct Flags {
  std::string config;  // the file; empty: DefaultConfig() (server/config/shipped.h)
  std::string http;    // ADDR:PORT
  std::string grpc;
  std::string data_dir;
};

// The value of an environment variable, nothing where it is not set or empty.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
Environment ProcessEnvironment();

// Reads and checks everything, once. An error (INVALID_ARGUMENT) is one line that names the file,
// the line and the key, or else the variable or flag that is wrong; it never shows a key (secret):
//   config/models.yaml:12: llm.retries.count: expected a whole number from 0 to 10, got "many"
//   LLM_SERVER_URL: not an http:// or https:// address, got "localhost:8080"
//   config/tokens:2: expected a user_id after the SHA-256, or *
// Variables: LLM_MODE; GEMINI_API_KEY, or GENAI_API_KEY in its place, and every other `key_env`;
// GEMINI_MODEL (the model of the target that api mode asks by default); LLM_SERVER_URL and
// LLM_MODEL_ALIAS (of the one that server mode asks by default); LUNA_HTTP_LISTEN;
// LUNA_GRPC_LISTEN; LUNA_DATA_DIR; with `translation.engine: azure` the three above. API mode needs
// the default target's key; another target without one fails only when it is asked.
absl::StatusOr<Config> Load(const Flags& flags, const Environment& environment);

// The target that translates what is said to the target `answering`, where the engine is one that
// asks a target; nullptr where there is none. `auto`: the target `translator`, else `answering` if
// it is Gemini. `llm`: the target `translator`, else `answering`.
const Target* TranslatorOf(const Config& config, const Target& answering);

// What a server with this configuration would do, a `key: value` line each; keys (secrets) are
// named, not shown.
std::string Describe(const Config& config);

}  // namespace luna::config
