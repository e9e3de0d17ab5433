#pragma once

#include <string>

#include "server/http/routes.h"

namespace luna::http {

inline constexpr char kOpenApiPath[] = "/openapi.json";

// The HTTP API as an OpenAPI 3.0.3 document (https://spec.openapis.org/oas/v3.0.3), which
// generators read best: an operation for each route, made from its annotation and its messages, and
// what has no annotation (/health, /metrics, OpenAI's chat, the document itself). The schema of a
// `text/event-stream` is that of the JSON in each `data` line, that of `application/x-ndjson` of
// each line. `needs_token`: callers have to have one. Throws std::invalid_argument for a field of a
// type that no message of luna's has.
std::string OpenApi(const Routes& routes, bool needs_token);

}  // namespace luna::http
