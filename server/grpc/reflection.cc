#include "server/grpc/reflection.h"

#include <set>
#include <utility>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include "server/grpc/metadata.h"
#include "server/grpc/status.h"

namespace luna::grpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using ::grpc::reflection::v1alpha::ServerReflectionRequest;
using ::grpc::reflection::v1alpha::ServerReflectionResponse;

// Adds the file after those that it needs, each once.
void AddFile(const FileDescriptor* file, std::set<const FileDescriptor*>& added,
             ServerReflectionResponse& response) {
  if (!added.insert(file).second) return;
  for (int i = 0; i < file->dependency_count(); ++i) AddFile(file->dependency(i), added, response);
  google::protobuf::FileDescriptorProto proto;
  file->CopyTo(&proto);
  response.mutable_file_descriptor_response()->add_file_descriptor_proto(proto.SerializeAsString());
}

void Fail(::grpc::StatusCode code, const std::string& message, ServerReflectionResponse& response) {
  response.mutable_error_response()->set_error_code(code);
  response.mutable_error_response()->set_error_message(message);
}

void AnswerFile(const FileDescriptor* file, const std::string& name,
                ServerReflectionResponse& response) {
  if (file == nullptr) return Fail(::grpc::StatusCode::NOT_FOUND, name + " is not known", response);
  std::set<const FileDescriptor*> added;
  AddFile(file, added, response);
}

const FileDescriptor* FileOfExtension(const DescriptorPool& pool, const std::string& type,
                                      int number) {
  const Descriptor* extended = pool.FindMessageTypeByName(type);
  if (extended == nullptr) return nullptr;
  const FieldDescriptor* extension = pool.FindExtensionByNumber(extended, number);
  return extension == nullptr ? nullptr : extension->file();
}

void AnswerExtensions(const DescriptorPool& pool, const std::string& type,
                      ServerReflectionResponse& response) {
  const Descriptor* extended = pool.FindMessageTypeByName(type);
  if (extended == nullptr) {
    return Fail(::grpc::StatusCode::NOT_FOUND, type + " is not known", response);
  }
  auto& numbers = *response.mutable_all_extension_numbers_response();
  numbers.set_base_type_name(type);
  std::vector<const FieldDescriptor*> extensions;
  pool.FindAllExtensions(extended, &extensions);
  for (const FieldDescriptor* extension : extensions) {
    numbers.add_extension_number(extension->number());
  }
}

ServerReflectionResponse Answer(const ServerReflectionRequest& request,
                                const std::vector<std::string>& services) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  ServerReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kFileByFilename:
      AnswerFile(pool.FindFileByName(request.file_by_filename()), request.file_by_filename(),
                 response);
      break;
    case ServerReflectionRequest::kFileContainingSymbol:
      AnswerFile(pool.FindFileContainingSymbol(request.file_containing_symbol()),
                 request.file_containing_symbol(), response);
      break;
    case ServerReflectionRequest::kFileContainingExtension: {
      const auto& extension = request.file_containing_extension();
      AnswerFile(FileOfExtension(pool, extension.containing_type(), extension.extension_number()),
                 "the extension", response);
      break;
    }
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      AnswerExtensions(pool, request.all_extension_numbers_of_type(), response);
      break;
    case ServerReflectionRequest::kListServices:
      for (const std::string& service : services) {
        response.mutable_list_services_response()->add_service()->set_name(service);
      }
      break;
    default:
      Fail(::grpc::StatusCode::INVALID_ARGUMENT, "the request asks for nothing", response);
  }
  return response;
}

}  // namespace

Reflection::Reflection(std::vector<std::string> services, const auth::Tokens* tokens)
    : services_(std::move(services)), tokens_(tokens) {}

::grpc::Status Reflection::ServerReflectionInfo(
    ::grpc::ServerContext* context,
    ::grpc::ServerReaderWriter<ServerReflectionResponse, ServerReflectionRequest>* stream) {
  if (tokens_ != nullptr) {
    const auto user = tokens_->UserOf(MetadataOf(*context, "authorization"));
    if (!user.ok()) return ToGrpcStatus(user.status());
  }
  ServerReflectionRequest request;
  while (stream->Read(&request) && stream->Write(Answer(request, services_))) {
  }
  return ::grpc::Status::OK;
}

}  // namespace luna::grpc
