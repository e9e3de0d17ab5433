#pragma once

#include <list>
#include <string>

#include <google/protobuf/descriptor.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>

namespace luna::grpc {

// A gRPC service made from its descriptor, whose messages are bytes: what the generated
// WithRawMethod_ classes are, for every method of every service, so that an RPC needs no code here.
class RawService final : public ::grpc::Service {
 public:
  explicit RawService(const google::protobuf::ServiceDescriptor* descriptor);

  const google::protobuf::ServiceDescriptor* descriptor() const { return descriptor_; }

  // As the generated RequestX: `tag` comes once a call has arrived, not ok at shutdown.
  template <class Responder>
  void RequestUnary(int method, ::grpc::ServerContext* context, ::grpc::ByteBuffer* request,
                    Responder* responder, ::grpc::ServerCompletionQueue* queue, void* tag) {
    RequestAsyncUnary(method, context, request, responder, queue, queue, tag);
  }
  template <class Writer>
  void RequestStream(int method, ::grpc::ServerContext* context, ::grpc::ByteBuffer* request,
                     Writer* writer, ::grpc::ServerCompletionQueue* queue, void* tag) {
    RequestAsyncServerStreaming(method, context, request, writer, queue, queue, tag);
  }

 private:
  const google::protobuf::ServiceDescriptor* const descriptor_;
  std::list<std::string> names_;  // gRPC keeps pointers to them
};

// Messages to bytes and back. FromBytes is false where `bytes` are no such message.
::grpc::ByteBuffer ToBytes(const google::protobuf::Message& message);
bool FromBytes(const ::grpc::ByteBuffer& bytes, google::protobuf::Message& message);

}  // namespace luna::grpc
