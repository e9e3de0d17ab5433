#include "server/grpc/raw_service.h"

#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/support/proto_buffer_reader.h>

namespace luna::grpc {

using ::grpc::internal::RpcMethod;

RawService::RawService(const google::protobuf::ServiceDescriptor* descriptor)
    : descriptor_(descriptor) {
  for (int i = 0; i < descriptor->method_count(); ++i) {
    const auto* method = descriptor->method(i);
    names_.push_back("/" + descriptor->full_name() + "/" + method->name());
    const auto type =
        method->server_streaming() ? RpcMethod::SERVER_STREAMING : RpcMethod::NORMAL_RPC;
    AddMethod(new ::grpc::internal::RpcServiceMethod(names_.back().c_str(), type, nullptr));
    MarkMethodRaw(i);
  }
}

::grpc::ByteBuffer ToBytes(const google::protobuf::Message& message) {
  ::grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<std::uint8_t*>(slice.begin()));
  return {&slice, 1};
}

bool FromBytes(const ::grpc::ByteBuffer& bytes, google::protobuf::Message& message) {
  ::grpc::ByteBuffer copy(bytes);  // of references
  ::grpc::ProtoBufferReader reader(&copy);
  return reader.status().ok() && message.ParseFromZeroCopyStream(&reader);
}

}  // namespace luna::grpc
