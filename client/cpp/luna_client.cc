#include "client/cpp/luna_client.h"

#include <utility>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace luna::client {
namespace {

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

Client::Client(const std::string& address, std::string token)
    : token_(std::move(token)), stub_(v1::InteractionService::NewStub(Connect(address))) {}

grpc::Status Client::Interact(const v1::InteractRequest& request,
                              const std::function<bool(const v1::InteractResponse&)>& on_event,
                              std::stop_token stop) {
  grpc::ClientContext context;
  if (!token_.empty()) context.AddMetadata("authorization", "Bearer " + token_);
  const std::stop_callback cancel(std::move(stop), [&context] { context.TryCancel(); });
  const auto reader = stub_->Interact(&context, request);
  v1::InteractResponse event;
  bool wanted = true;
  while (reader->Read(&event)) {
    if (wanted && !on_event(event)) {
      wanted = false;
      context.TryCancel();
    }
  }
  return reader->Finish();
}

std::string CodeOf(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return "";
  google::rpc::ErrorInfo info;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info)) return info.reason();
  }
  return "";
}

}  // namespace luna::client
