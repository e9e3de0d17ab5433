#pragma once

#include <array>

#include <absl/strings/string_view.h>

namespace luna::emotion {

// GoEmotions' labels, in its order. https://arxiv.org/abs/2005.00547
inline constexpr std::array<absl::string_view, 28> kLabels = {
    "admiration",    "amusement",   "anger",    "annoyance",      "approval",    "caring",
    "confusion",     "curiosity",   "desire",   "disappointment", "disapproval", "disgust",
    "embarrassment", "excitement",  "fear",     "gratitude",      "grief",       "joy",
    "love",          "nervousness", "optimism", "pride",          "realization", "relief",
    "remorse",       "sadness",     "surprise", "neutral",
};

// What is said where nothing was understood, and how sure: so many of GoEmotions' comments are
// neutral.
inline constexpr absl::string_view kNeutral = kLabels.back();
inline constexpr double kNeutralShare = 0.33;

}  // namespace luna::emotion
