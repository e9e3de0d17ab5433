#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

// What the two kinds of providers send, byte for byte: Gemini with CRLF line ends, OpenAI's style
// as llama.cpp writes it. Texts are escaped for JSON and otherwise left as they are, broken UTF-8
// too.
namespace luna::fake {

enum class Api { kGemini, kOpenAi };

// The model's name in every answer.
inline constexpr std::string_view kModel = "fake-1";
inline constexpr int kPromptTokens = 7;

// One server-sent event each, with its empty line.
std::string TextFrame(Api api, std::string_view text);
std::string ThoughtFrame(Api api, std::string_view text);
// `reason` in Gemini's words; for OpenAI STOP, MAX_TOKENS and SAFETY become stop, length and
// content_filter, any other its lower case. Followed by a usage chunk in OpenAI's style.
std::string FinishFrame(Api api, std::string_view reason, int completion_tokens);
// Gemini's `promptFeedback`; OpenAI's style knows only a finish by `content_filter`.
std::string BlockedFrame(Api api, std::string_view reason);
// `error` is the object under the key "error".
std::string ErrorFrame(Api api, const boost::json::value& error);
std::string CommentLine(Api api, std::string_view text);
// What an OpenAI-style stream opens with: a delta without content. Empty for Gemini.
std::string OpeningFrame(Api api);
// `data: [DONE]`. Empty for Gemini.
std::string DoneFrame(Api api);

// The unary answer; an empty reason leaves the finish reason out.
std::string Document(Api api, std::string_view text, std::string_view reason,
                     int completion_tokens);

}  // namespace luna::fake
