#pragma once

#include <string_view>

#include <grpcpp/server_context.h>

namespace luna::grpc {

// What a caller sent under `name`, which is in lower case; empty where there is no such value, or
// several. Lives as long as the call.
inline std::string_view MetadataOf(const ::grpc::ServerContextBase& context, const char* name) {
  const auto& metadata = context.client_metadata();
  if (metadata.count(name) != 1) return {};
  const ::grpc::string_ref value = metadata.find(name)->second;
  return {value.data(), value.size()};
}

}  // namespace luna::grpc
