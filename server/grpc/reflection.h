#pragma once

#include <string>
#include <vector>

#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "server/auth/tokens.h"

namespace luna::grpc {

// Server reflection (grpc/reflection/v1alpha/reflection.proto) over the protos that are linked in.
// gRPC's own asks for no token, and cannot be made to without TLS. From any thread.
class Reflection final : public ::grpc::reflection::v1alpha::ServerReflection::Service {
 public:
  // `services` is what it lists, by full name. Where there are `tokens`, which must outlive it, a
  // caller without one is UNAUTHENTICATED; nullptr: anyone may ask.
  Reflection(std::vector<std::string> services, const auth::Tokens* tokens);

  ::grpc::Status ServerReflectionInfo(
      ::grpc::ServerContext* context,
      ::grpc::ServerReaderWriter<::grpc::reflection::v1alpha::ServerReflectionResponse,
                                 ::grpc::reflection::v1alpha::ServerReflectionRequest>* stream)
      override;

 private:
  const std::vector<std::string> services_;
  const auth::Tokens* const tokens_;
};

}  // namespace luna::grpc
