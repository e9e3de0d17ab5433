#include "server/grpc/server.h"

#include <utility>

#include <absl/strings/str_cat.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <grpc/support/log.h>
#include <grpcpp/health_check_service_interface.h>
#include <spdlog/spdlog.h>

namespace luna::grpc {
namespace {

constexpr std::size_t kMostBufferedBytes = std::size_t{1} << 30;
// Calls of one method that a queue waits for at once, so that a burst finds somebody at the door.
constexpr int kWaiting = 16;

std::string Bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

// gRPC's own limits are 2^32 streams a connection and a keepalive of two hours.
// More than any request may have, so that one which is too long is mostly refused in luna's words.
constexpr int kMostMessageBytes = 8 << 20;

void Limit(::grpc::ServerBuilder& builder) {
  constexpr int kSecond = 1000;
  constexpr int kMinute = 60 * kSecond;
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 100);
  builder.SetMaxReceiveMessageSize(kMostMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kMinute);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20 * kSecond);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 30 * kSecond);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 10 * kMinute);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, 30 * kMinute);
  // Longer than the longest stream: llm.timeouts.total_ms is at most an hour.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 60 * kMinute);
  builder.SetResourceQuota(::grpc::ResourceQuota("luna").Resize(kMostBufferedBytes));
}

// gRPC does not say why it cannot listen; the system does, asked once more.
std::string WhyNot(const config::Listen& listen) {
  using boost::asio::ip::tcp;
  boost::asio::io_context context;
  boost::system::error_code error;
  const auto endpoints = tcp::resolver(context).resolve(listen.host, std::to_string(listen.port),
                                                        tcp::resolver::passive, error);
  if (error) return error.message();
  tcp::acceptor acceptor(context);
  acceptor.open(endpoints.begin()->endpoint().protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoints.begin()->endpoint(), error);
  if (!error) acceptor.listen(1, error);
  return error ? error.message() : "gRPC cannot listen there";
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Listen(
    const config::Server& options,
    const std::vector<const google::protobuf::ServiceDescriptor*>& services,
    std::vector<rpc::Worker> workers) {
  // What matters of it comes back as a status.
  gpr_set_log_function([](gpr_log_func_args* log) { spdlog::debug("gRPC: {}", log->message); });
  ::grpc::EnableDefaultHealthCheckService(true);

  std::unique_ptr<Server> server(new Server(std::move(workers)));
  const std::string host = Bracketed(options.grpc.host);
  const std::string name = absl::StrCat(host, ":", options.grpc.port);
  int port = 0;
  ::grpc::ServerBuilder builder;
  // With it, a second server on the port would not fail, and get half of the connections.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(name, ::grpc::InsecureServerCredentials(), &port);
  Limit(builder);
  // Of gRPC's own threads only reflection needs one; each takes its turn at the sockets, and hands
  // what it finds to ours.
  using Option = ::grpc::ServerBuilder::SyncServerOption;
  builder.SetSyncServerOption(Option::NUM_CQS, 1);
  builder.SetSyncServerOption(Option::MAX_POLLERS, 1);
  std::vector<std::string> names = {"grpc.health.v1.Health",
                                    "grpc.reflection.v1alpha.ServerReflection"};
  for (const auto* service : services) {
    server->services_.push_back(std::make_unique<RawService>(service));
    builder.RegisterService(server->services_.back().get());
    names.push_back(service->full_name());
  }
  server->reflection_ =
      std::make_unique<Reflection>(std::move(names), server->workers_.front().tokens);
  builder.RegisterService(server->reflection_.get());
  for (std::size_t i = 0; i < server->workers_.size(); ++i) {
    server->queues_.push_back(builder.AddCompletionQueue());
  }
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || port == 0) {
    if (server->server_ != nullptr) server->server_->Shutdown();
    for (const auto& queue : server->queues_) queue->Shutdown();
    for (const auto& queue : server->queues_) server->Pump(*queue);
    return absl::UnavailableError(
        absl::StrCat("server.grpc (LUNA_GRPC_LISTEN, --grpc) ", name, ": ", WhyNot(options.grpc)));
  }
  server->address_ = absl::StrCat(host, ":", port);
  for (const auto* service : services) {
    server->server_->GetHealthCheckService()->SetServingStatus(service->full_name(), true);
  }

  Server* self = server.get();
  const auto next_worker = [self] {
    return self->workers_[self->next_worker_++ % self->workers_.size()];
  };
  for (const auto& queue : server->queues_) {
    for (const auto& service : server->services_) {
      for (int method = 0; method < service->descriptor()->method_count(); ++method) {
        for (int i = 0; i < kWaiting; ++i) {
          Call::WaitFor({service.get(), method, queue.get(), &server->running_,
                         options.write_timeout, next_worker});
        }
      }
    }
    server->threads_.emplace_back([self, &queue = *queue] { self->Pump(queue); });
  }
  return server;
}

Server::~Server() = default;

void Server::Pump(::grpc::ServerCompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) static_cast<Tag*>(tag)->Complete(ok);
}

void Server::SayNotServing() { server_->GetHealthCheckService()->SetServingStatus(false); }

bool Server::Stop(net::TimePoint until) {
  const bool whole = running_.WaitUntilNone(until);
  // Without a deadline it would wait for health watches too.
  server_->Shutdown(std::chrono::system_clock::now());
  // It does not wait for what our calls have yet to say, and the queues must outlive their last.
  running_.WaitUntilAllGone();
  for (const auto& queue : queues_) queue->Shutdown();
  for (std::thread& thread : threads_) thread.join();
  return whole;
}

}  // namespace luna::grpc
