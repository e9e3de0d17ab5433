#pragma once

#include <string>
#include <string_view>

#include "server/config/config.h"
#include "server/llm/frame_reader.h"

namespace luna::llm {

// `chat.completion.chunk` and `chat.completion` of OpenAI's chat API, as llama.cpp, Ollama, vLLM
// and LM Studio send them. Only choice 0 counts; reasoning_content is skipped.
class OpenAiFrames final : public FrameReader {
 public:
  // `target` must outlive this.
  explicit OpenAiFrames(const config::Target& target) : target_(target) {}

  absl::Status Read(std::string_view json, Answer& answer) override;

 private:
  const config::Target& target_;
  std::string buffer_;
};

}  // namespace luna::llm
