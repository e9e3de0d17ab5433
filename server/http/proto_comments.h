#pragma once

#include <string>

#include <google/protobuf/descriptor.h>

namespace luna::http {

// The comments in proto/luna/v1, which a descriptor does not carry. Immutable.
class ProtoComments {
 public:
  ProtoComments();

  // What stands above it, as paragraphs with an empty line between them; empty where nothing does,
  // and for what is not of proto/luna/v1.
  std::string Of(const google::protobuf::ServiceDescriptor& service) const;
  std::string Of(const google::protobuf::MethodDescriptor& method) const;
  std::string Of(const google::protobuf::Descriptor& message) const;
  std::string Of(const google::protobuf::FieldDescriptor& field) const;

 private:
  google::protobuf::DescriptorPool pool_;
};

}  // namespace luna::http
