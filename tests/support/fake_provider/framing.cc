#include "tests/support/fake_provider/framing.h"

#include <algorithm>
#include <cctype>

#include <boost/json/serialize.hpp>

namespace luna::fake {
namespace {

std::string Quote(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

std::string Event(Api api, const std::string& data) {
  const char* end = api == Api::kGemini ? "\r\n\r\n" : "\n\n";
  return "data: " + data + end;
}

std::string GeminiUsage(int completion_tokens) {
  std::string usage = "{\"promptTokenCount\": " + std::to_string(kPromptTokens);
  if (completion_tokens > 0) {
    usage += ",\"candidatesTokenCount\": " + std::to_string(completion_tokens);
  }
  return usage + ",\"totalTokenCount\": " + std::to_string(kPromptTokens + completion_tokens) + "}";
}

// `content` is the value of `content`, `reason` that of `finishReason`; either may be empty.
std::string GeminiAnswer(const std::string& content, const std::string& reason, int tokens) {
  std::string candidate;
  if (!content.empty()) candidate += "\"content\": " + content + ",";
  if (!reason.empty()) candidate += "\"finishReason\": " + reason + ",";
  return "{\"candidates\": [{" + candidate +
         "\"index\": 0}],\"usageMetadata\": " + GeminiUsage(tokens) +
         ",\"modelVersion\": " + Quote(kModel) + ",\"responseId\": \"fake-response\"}";
}

std::string GeminiContent(const std::string& part) {
  return "{\"parts\": [" + part + "],\"role\": \"model\"}";
}

std::string OpenAiChunk(const std::string& choices, const std::string& more = "") {
  return "{\"choices\":" + choices +
         ",\"created\":1767225600,\"id\":\"chatcmpl-fake\",\"model\":" + Quote(kModel) +
         ",\"object\":\"chat.completion.chunk\"" + more + "}";
}

std::string OpenAiChoice(const std::string& reason, const std::string& delta) {
  return "[{\"finish_reason\":" + reason + ",\"index\":0,\"delta\":" + delta + "}]";
}

std::string OpenAiReason(std::string_view reason) {
  if (reason.empty()) return "null";
  if (reason == "STOP") return "\"stop\"";
  if (reason == "MAX_TOKENS") return "\"length\"";
  if (reason == "SAFETY") return "\"content_filter\"";
  std::string lower(reason);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return Quote(lower);
}

std::string OpenAiUsage(int completion_tokens) {
  return ",\"usage\":{\"completion_tokens\":" + std::to_string(completion_tokens) +
         ",\"prompt_tokens\":" + std::to_string(kPromptTokens) +
         ",\"total_tokens\":" + std::to_string(kPromptTokens + completion_tokens) + "}";
}

}  // namespace

std::string TextFrame(Api api, std::string_view text) {
  if (api == Api::kGemini) {
    return Event(api, GeminiAnswer(GeminiContent("{\"text\": " + Quote(text) + "}"), "", 0));
  }
  return Event(api, OpenAiChunk(OpenAiChoice("null", "{\"content\":" + Quote(text) + "}")));
}

std::string ThoughtFrame(Api api, std::string_view text) {
  if (api == Api::kGemini) {
    const std::string part = "{\"text\": " + Quote(text) + ",\"thought\": true}";
    return Event(api, GeminiAnswer(GeminiContent(part), "", 0));
  }
  return Event(api,
               OpenAiChunk(OpenAiChoice("null", "{\"reasoning_content\":" + Quote(text) + "}")));
}

std::string FinishFrame(Api api, std::string_view reason, int completion_tokens) {
  if (api == Api::kGemini) {
    return Event(api,
                 GeminiAnswer(GeminiContent("{\"text\": \"\"}"), Quote(reason), completion_tokens));
  }
  return Event(api, OpenAiChunk(OpenAiChoice(OpenAiReason(reason), "{}"))) +
         Event(api, OpenAiChunk("[]", OpenAiUsage(completion_tokens)));
}

std::string BlockedFrame(Api api, std::string_view reason) {
  if (api == Api::kOpenAi) return FinishFrame(api, "SAFETY", 0);
  return Event(api, "{\"promptFeedback\": {\"blockReason\": " + Quote(reason) +
                        "},\"usageMetadata\": " + GeminiUsage(0) +
                        ",\"modelVersion\": " + Quote(kModel) + "}");
}

std::string ErrorFrame(Api api, const boost::json::value& error) {
  return Event(api, "{\"error\": " + boost::json::serialize(error) + "}");
}

std::string CommentLine(Api api, std::string_view text) {
  return ": " + std::string(text) + (api == Api::kGemini ? "\r\n\r\n" : "\n\n");
}

std::string OpeningFrame(Api api) {
  if (api == Api::kGemini) return "";
  return Event(api, OpenAiChunk(OpenAiChoice("null", "{\"role\":\"assistant\",\"content\":null}")));
}

std::string DoneFrame(Api api) { return api == Api::kGemini ? "" : Event(api, "[DONE]"); }

std::string Document(Api api, std::string_view text, std::string_view reason,
                     int completion_tokens) {
  if (api == Api::kGemini) {
    return GeminiAnswer(GeminiContent("{\"text\": " + Quote(text) + "}"),
                        reason.empty() ? "" : Quote(reason), completion_tokens);
  }
  return "{\"choices\":[{\"finish_reason\":" + OpenAiReason(reason) +
         ",\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":" + Quote(text) +
         "}}],\"created\":1767225600,\"id\":\"chatcmpl-fake\",\"model\":" + Quote(kModel) +
         ",\"object\":\"chat.completion\"" + OpenAiUsage(completion_tokens) + "}";
}

}  // namespace luna::fake
