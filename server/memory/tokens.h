#pragma once

#include <string_view>

namespace luna::memory {

// About how many tokens a model makes of `text`: between those of o200k and cl100k, the
// vocabularies of GPT-4o and GPT-4, within a factor of 1.5 of either for Korean and English talk
// (tests/integration/test_tokens.py).
int EstimateTokens(std::string_view text);

}  // namespace luna::memory
