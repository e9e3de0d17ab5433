#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "luna/v1/memory.pb.h"

namespace luna::rpc {

// What a file holds that ImportRequest describes: lines as Export gives them, or the Python
// original's conversation_history.json, a list of {timestamp, user, assistant, metadata{emotion,
// mode}} whose times are ISO 8601, without a zone in the server's, or seconds since 1970.
//
// Every line is checked, and has its session (`default` where none is named). INVALID_INPUT names
// the first line that is wrong, or the entry of the list, and the field, in `language`. It may take
// long: not for an event loop.
absl::StatusOr<std::vector<v1::ExportResponse>> ReadMemoryFile(const std::string& data,
                                                               const std::string& language);

}  // namespace luna::rpc
