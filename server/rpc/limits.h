#pragma once

// What the RPCs let through, where it is a number; server/interaction/checks.h has the rest.
namespace luna::rpc {

inline constexpr int kMostTexts = 100;  // of AnalyzeRequest

inline constexpr int kMostInList = 1000;  // `limit` and `count`; 1 is the least
inline constexpr int kMostKeywordBytes = 1 << 10;

inline constexpr int kMostTemperature = 2;
inline constexpr int kMostTopP = 1;
inline constexpr int kMostStops = 4;

}  // namespace luna::rpc
