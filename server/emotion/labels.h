#pragma once

#include <array>
#include <string_view>

namespace luna::emotion {

// GoEmotions' labels, in its order. https://arxiv.org/abs/2005.00547
inline constexpr std::array<std::string_view, 28> kLabels = {
    "admiration",    "amusement",   "anger",    "annoyance",      "approval",    "caring",
    "confusion",     "curiosity",   "desire",   "disappointment", "disapproval", "disgust",
    "embarrassment", "excitement",  "fear",     "gratitude",      "grief",       "joy",
    "love",          "nervousness", "optimism", "pride",          "realization", "relief",
    "remorse",       "sadness",     "surprise", "neutral",
};

// What is said where nothing was understood.
inline constexpr std::string_view kNeutral = kLabels.back();

}  // namespace luna::emotion
