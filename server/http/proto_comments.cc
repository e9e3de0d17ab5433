#include "server/http/proto_comments.h"

#include <stdexcept>
#include <vector>

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <google/protobuf/descriptor.pb.h>

#include "server/http/proto_source.h"  // made of proto/luna/v1

namespace luna::http {
namespace {

template <class Descriptor>
std::string Comment(const Descriptor* descriptor) {
  google::protobuf::SourceLocation place;
  if (descriptor == nullptr || !descriptor->GetSourceLocation(&place)) return "";
  std::string text;
  bool paragraph_ends = false;
  const std::vector<std::string> lines = absl::StrSplit(place.leading_comments, '\n');
  for (const std::string& line : lines) {
    const absl::string_view words = absl::StripAsciiWhitespace(line);
    if (words.empty()) {
      paragraph_ends = true;
      continue;
    }
    const char* gap = paragraph_ends ? "\n\n" : " ";
    absl::StrAppend(&text, text.empty() ? "" : gap, words);
    paragraph_ends = false;
  }
  return text;
}

}  // namespace

ProtoComments::ProtoComments() {
  google::protobuf::FileDescriptorSet files;
  if (!files.ParseFromArray(kProtoSource, sizeof kProtoSource)) {
    throw std::logic_error("proto_source.h is no FileDescriptorSet");
  }
  for (const auto& file : files.file()) pool_.BuildFile(file);
}

std::string ProtoComments::Of(const google::protobuf::ServiceDescriptor& service) const {
  return Comment(pool_.FindServiceByName(service.full_name()));
}

std::string ProtoComments::Of(const google::protobuf::MethodDescriptor& method) const {
  return Comment(pool_.FindMethodByName(method.full_name()));
}

std::string ProtoComments::Of(const google::protobuf::Descriptor& message) const {
  return Comment(pool_.FindMessageTypeByName(message.full_name()));
}

std::string ProtoComments::Of(const google::protobuf::FieldDescriptor& field) const {
  return Comment(pool_.FindFieldByName(field.full_name()));
}

}  // namespace luna::http
