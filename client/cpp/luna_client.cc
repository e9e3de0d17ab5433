#include "client/cpp/luna_client.h"

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
  // More clients have more connections.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A server that has vanished is noticed.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  // A server that was started anew is found soon.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

Client::Client(const std::string& address, std::string token)
    : token_(std::move(token)), channel_(Connect(address)) {}

grpc::Status Client::Interact(const v1::InteractRequest& request,
                              const std::function<bool(const v1::InteractResponse&)>& on_event,
                              const CallLimits& limits) {
  return Stream(&v1::InteractionService::Stub::Interact, request, on_event, limits);
}

Client::Context::Context(const std::string& token, const CallLimits& limits)
    : context_(std::make_unique<grpc::ClientContext>()),
      cancel_(limits.stop, [context = context_.get()] { context->TryCancel(); }) {
  if (!token.empty()) context_->AddMetadata("authorization", "Bearer " + token);
  if (limits.timeout.count() > 0) {
    context_->set_deadline(std::chrono::system_clock::now() + limits.timeout);
  }
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
