#include "server/llm/openai.h"

#include <utility>

#include <absl/strings/match.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "server/llm/answer_parser.h"
#include "server/llm/answer_stream.h"
#include "server/llm/choice.h"
#include "server/llm/openai_frames.h"

namespace luna::llm {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void WriteMessage(Writer& writer, const char* role, const std::string& text) {
  writer.StartObject();
  writer.Key("role");
  writer.String(role);
  writer.Key("content");
  writer.String(text);
  writer.EndObject();
}

void WriteMessages(Writer& writer, const Prompt& prompt) {
  writer.Key("messages");
  writer.StartArray();
  if (!prompt.system.empty()) WriteMessage(writer, "system", prompt.system);
  for (const Message& message : prompt.messages) {
    WriteMessage(writer, message.role == Message::Role::kUser ? "user" : "assistant", message.text);
  }
  writer.EndArray();
}

// llama.cpp, Ollama and vLLM all take OpenAI's form of it.
// https://platform.openai.com/docs/guides/structured-outputs
void WriteChoice(Writer& writer, const Choice& choice) {
  writer.Key("response_format");
  writer.StartObject();
  writer.Key("type");
  writer.String("json_schema");
  writer.Key("json_schema");
  writer.StartObject();
  writer.Key("name");
  writer.String(choice.key);
  writer.Key("strict");
  writer.Bool(true);
  const std::string schema = SchemaOf(choice, SchemaNames::kJsonSchema);
  writer.Key("schema");
  writer.RawValue(schema.data(), schema.size(), rapidjson::kObjectType);
  writer.EndObject();
  writer.EndObject();
}

}  // namespace

OpenAi::OpenAi(const config::Target& target, const config::Timeouts& timeouts,
               net::HttpClient& http, telemetry::Metrics& metrics)
    : target_(target),
      timeouts_(timeouts),
      http_(http),
      open_(metrics.UpstreamsOpen(target.name)) {}

std::unique_ptr<TokenStream> OpenAi::Generate(const Prompt& prompt) {
  return std::make_unique<AnswerStream>(target_, timeouts_, prompt, http_,
                                        OpenAiRequest(target_, prompt),
                                        OpenAiParser(target_, prompt.stream), open_);
}

net::HttpRequest OpenAiRequest(const config::Target& target, const Prompt& prompt) {
  rapidjson::StringBuffer body;
  Writer writer(body);
  writer.StartObject();
  writer.Key("model");
  writer.String(ModelOf(target, prompt));
  WriteMessages(writer, prompt);
  writer.Key("stream");
  writer.Bool(prompt.stream);
  if (prompt.stream) {
    writer.Key("stream_options");
    writer.StartObject();
    writer.Key("include_usage");
    writer.Bool(true);
    writer.EndObject();
  }
  writer.Key("temperature");
  writer.Double(prompt.temperature.value_or(target.temperature));
  writer.Key("top_p");
  writer.Double(prompt.top_p.value_or(target.top_p));
  writer.Key("max_tokens");
  writer.Int(prompt.max_tokens.value_or(target.max_tokens));
  if (!prompt.stop.empty()) {
    writer.Key("stop");
    writer.StartArray();
    for (const std::string& text : prompt.stop) writer.String(text);
    writer.EndArray();
  }
  if (prompt.seed) {
    writer.Key("seed");
    writer.Int(*prompt.seed);
  }
  if (prompt.choice) WriteChoice(writer, *prompt.choice);
  writer.EndObject();

  net::HttpRequest request;
  request.url = target.url + (absl::EndsWith(target.url, "/v1") ? "" : "/v1") + "/chat/completions";
  request.headers = {"Content-Type: application/json"};
  if (!target.key.empty()) request.headers.push_back("Authorization: Bearer " + target.key);
  request.body.assign(body.GetString(), body.GetSize());
  return request;
}

std::unique_ptr<StreamParser> OpenAiParser(const config::Target& target, bool stream) {
  auto frames = std::make_unique<OpenAiFrames>(target);
  if (!stream) return std::make_unique<UnaryParser>(target, std::move(frames));
  return std::make_unique<EventStreamParser>(target, std::move(frames),
                                             EventStreamParser::EndsWith::kDone);
}

}  // namespace luna::llm
