#pragma once

#include <string>
#include <string_view>

#include "server/config/config.h"
#include "server/llm/frame_reader.h"

namespace luna::llm {

// GenerateContentResponse, streamed or not: https://ai.google.dev/api/generate-content. Only
// candidate 0 counts; thoughts are skipped; the token counts are cumulative.
class GeminiFrames final : public FrameReader {
 public:
  // `target` must outlive this.
  explicit GeminiFrames(const config::Target& target) : target_(target) {}

  absl::Status Read(std::string_view json, Answer& answer) override;

 private:
  const config::Target& target_;
  std::string buffer_;
};

}  // namespace luna::llm
