#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

// config/models.yaml as plain structs. Each default stands here once; Load checks everything once, so
// that nothing behind it checks again.
namespace luna::config {

using std::chrono::milliseconds;

struct SafetySetting {
  std::string category;
  std::string threshold;
};

// One model that can answer: a key under `llm.api` (Gemini's API) or `llm.servers` (OpenAI's).
struct Target {
  enum class Api { kGemini, kOpenAi };
  Api api = Api::kGemini;
  std::string name;
  std::string url;      // without a trailing slash: `base_url` or `url`
  std::string model;    // `model` or `alias`
  std::string key_env;  // the variable that the key was read from
  std::string key;      // empty: none is sent
  bool stream = true;
  double temperature = 0.85;
  double top_p = 0.95;
  int max_tokens = 1024;
  std::optional<int> thinking_budget;
  std::optional<std::string> thinking_level;
  std::vector<SafetySetting> safety_settings;
};

struct Timeouts {
  milliseconds connect{5000};
  milliseconds first_token{60000};
  milliseconds gap{30000};
  milliseconds total{300000};
};

struct Retries {
  int count = 2;
  milliseconds first{200};
  milliseconds longest{2000};
};

struct Llm {
  std::string mode = "api";            // api | server
  std::map<std::string, Target> targets;
  std::string default_target;
  std::vector<std::string> fallback;
  Timeouts timeouts;
  Retries retries;
};

struct Buffer {
  int words = 1;
  milliseconds wait{0};
};

struct Stream {
  enum class Chunking { kWord, kRaw };
  Chunking chunking = Chunking::kWord;
  milliseconds word_hold{100};
  Buffer buffer;
};

struct Emotion {
  std::string engine = "embedded";  // embedded | llm | off
};

struct LibreTranslate {
  std::string url;
  std::string key_env;
};

struct Translation {
  std::string engine = "auto";  // auto | llm | azure | libretranslate | off
  milliseconds wait{300};
  milliseconds deadline{5000};
  bool feeds_model = false;
  LibreTranslate libretranslate;
};

struct Memory {
  int max_entries = 0;  // 0: all are kept
  int max_context_turns = 6;
  int max_context_tokens = 1500;
  int summary_threshold = 20;
  bool enable_auto_summary = false;
  std::string summary_language = "korean";
};

struct Cache {
  int ttl_seconds = 3600;
  int max_size = 100;
  std::string replay = "whole";  // whole | words
};

// Where to listen. `host` may be an IPv4 or a (bracketless) IPv6 address or "localhost"; port 0 takes a free one.
struct Listen {
  std::string host;
  int port = 0;
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
};

struct Auth {
  std::string tokens_file;
  bool none = false;
};

struct Config {
  std::string file;  // where it was read from
  Llm llm;
  std::string system_prompt;       // the content of `prompt.system_file`
  std::string system_prompt_file;
  Stream stream;
  Emotion emotion;
  Translation translation;
  Memory memory;
  Cache cache;
  Server server;
  Auth auth;
  std::string data_dir = "data";
};

// What a flag says; an empty one says nothing. Flags beat the environment, which beats the file.
struct Flags {
  std::string config;  // the file; empty: config/models.yaml, below the working directory
  std::string http;    // ADDR:PORT
  std::string grpc;
  std::string data_dir;
};

// The value of an environment variable, nothing where it is not set or empty.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
Environment ProcessEnvironment();

// Reads and checks. An error is one line that names the file, the line and the key:
// `config/models.yaml:12: llm.timeouts.gap_ms: expected a whole number, got "soon"`.
absl::StatusOr<Config> Load(const Flags& flags, const Environment& environment);

// What a server with this configuration would do, a `key: value` line each; keys (secrets) are named, not shown.
std::string Describe(const Config& config);

}  // namespace luna::config
