#include "server/llm/gemini.h"

#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "server/llm/answer_parser.h"
#include "server/llm/answer_stream.h"
#include "server/llm/choice.h"
#include "server/llm/gemini_frames.h"
#include "server/llm/upstream_error.h"

namespace luna::llm {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

// The stream of a request that was not made.
class NoStream final : public TokenStream {
 public:
  explicit NoStream(absl::Status why) : why_(std::move(why)) {}

  boost::asio::awaitable<absl::StatusOr<Token>> Next(net::TimePoint) override { co_return why_; }

 private:
  const absl::Status why_;
};

// As one segment of a path: RFC 3986 section 2.
std::string PercentEncoded(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || absl::StrContains("-._~", c)) {
      encoded += c;
    } else {
      absl::StrAppend(&encoded, "%", absl::Hex(byte, absl::kZeroPad2));
    }
  }
  return encoded;
}

void WriteParts(Writer& writer, const std::string& text) {
  writer.Key("parts");
  writer.StartArray();
  writer.StartObject();
  writer.Key("text");
  writer.String(text);
  writer.EndObject();
  writer.EndArray();
}

void WriteContents(Writer& writer, const Prompt& prompt) {
  if (!prompt.system.empty()) {
    writer.Key("systemInstruction");
    writer.StartObject();
    WriteParts(writer, prompt.system);
    writer.EndObject();
  }
  writer.Key("contents");
  writer.StartArray();
  for (const Message& message : prompt.messages) {
    writer.StartObject();
    writer.Key("role");
    writer.String(message.role == Message::Role::kUser ? "user" : "model");
    WriteParts(writer, message.text);
    writer.EndObject();
  }
  writer.EndArray();
}

void WriteChoice(Writer& writer, const Choice& choice) {
  writer.Key("responseMimeType");
  writer.String("application/json");
  const std::string schema = SchemaOf(choice, SchemaNames::kGemini);
  writer.Key("responseSchema");
  writer.RawValue(schema.data(), schema.size(), rapidjson::kObjectType);
}

void WriteGenerationConfig(Writer& writer, const config::Target& target, const Prompt& prompt) {
  writer.Key("generationConfig");
  writer.StartObject();
  writer.Key("temperature");
  writer.Double(prompt.temperature.value_or(target.temperature));
  writer.Key("topP");
  writer.Double(prompt.top_p.value_or(target.top_p));
  writer.Key("maxOutputTokens");
  writer.Int(prompt.max_tokens.value_or(target.max_tokens));
  if (!prompt.stop.empty()) {
    writer.Key("stopSequences");
    writer.StartArray();
    for (const std::string& text : prompt.stop) writer.String(text);
    writer.EndArray();
  }
  if (prompt.seed) {
    writer.Key("seed");
    writer.Int(*prompt.seed);
  }
  if (prompt.choice) WriteChoice(writer, *prompt.choice);
  const bool configured_model = ModelOf(target, prompt) == target.model;
  if (configured_model && (target.thinking_budget || target.thinking_level)) {
    writer.Key("thinkingConfig");
    writer.StartObject();
    if (target.thinking_budget) {
      writer.Key("thinkingBudget");
      writer.Int(*target.thinking_budget);
    }
    if (target.thinking_level) {
      writer.Key("thinkingLevel");
      writer.String(*target.thinking_level);
    }
    writer.EndObject();
  }
  writer.EndObject();
}

void WriteSafetySettings(Writer& writer, const config::Target& target) {
  if (target.safety_settings.empty()) return;
  writer.Key("safetySettings");
  writer.StartArray();
  for (const config::SafetySetting& setting : target.safety_settings) {
    writer.StartObject();
    writer.Key("category");
    writer.String(setting.category);
    writer.Key("threshold");
    writer.String(setting.threshold);
    writer.EndObject();
  }
  writer.EndArray();
}

}  // namespace

Gemini::Gemini(const config::Target& target, const config::Timeouts& timeouts,
               net::HttpClient& http, telemetry::Metrics& metrics)
    : target_(target),
      timeouts_(timeouts),
      http_(http),
      open_(metrics.UpstreamsOpen(target.name)) {}

std::unique_ptr<TokenStream> Gemini::Generate(const Prompt& prompt) {
  if (target_.key.empty()) return std::make_unique<NoStream>(MissingKey(target_));
  return std::make_unique<AnswerStream>(target_, timeouts_, prompt, http_,
                                        GeminiRequest(target_, prompt),
                                        GeminiParser(target_, prompt.stream), open_);
}

net::HttpRequest GeminiRequest(const config::Target& target, const Prompt& prompt) {
  rapidjson::StringBuffer body;
  Writer writer(body);
  writer.StartObject();
  WriteContents(writer, prompt);
  WriteGenerationConfig(writer, target, prompt);
  WriteSafetySettings(writer, target);
  writer.EndObject();

  net::HttpRequest request;
  request.url = target.url + "/models/" + PercentEncoded(ModelOf(target, prompt)) +
                (prompt.stream ? ":streamGenerateContent?alt=sse" : ":generateContent");
  request.headers = {"Content-Type: application/json", "x-goog-api-key: " + target.key};
  request.body.assign(body.GetString(), body.GetSize());
  return request;
}

std::unique_ptr<StreamParser> GeminiParser(const config::Target& target, bool stream) {
  auto frames = std::make_unique<GeminiFrames>(target);
  if (!stream) return std::make_unique<UnaryParser>(target, std::move(frames));
  return std::make_unique<EventStreamParser>(target, std::move(frames),
                                             EventStreamParser::EndsWith::kBody);
}

}  // namespace luna::llm
