#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <absl/status/statusor.h>
#include <grpcpp/grpcpp.h>

#include "server/config/config.h"
#include "server/grpc/call.h"
#include "server/grpc/raw_service.h"
#include "server/grpc/reflection.h"
#include "server/rpc/worker.h"

namespace luna::grpc {

// The gRPC transport, on completion queues: the callback API of gRPC 1.51 stalls for up to 100 ms
// after a second of idleness.
class Server {
 public:
  // Listens at once and serves `services`, with health and reflection; kUnavailable names the
  // address. Where the workers have tokens, every call but a health check needs one.
  static absl::StatusOr<std::unique_ptr<Server>> Listen(
      const config::Server& options,
      const std::vector<const google::protobuf::ServiceDescriptor*>& services,
      std::vector<rpc::Worker> workers);
  // Stop must have been called.
  ~Server();

  // The address in use, "127.0.0.1:50051": the port is real where 0 was asked for.
  std::string address() const { return address_; }

  // Health checks say NOT_SERVING from now on; calls are taken still. These from any thread but a
  // loop's.
  void SayNotServing();
  // Ends every call that runs; its caller is told `why`.
  void EndCalls(const absl::Status& why) { running_.EndAll(why); }
  // Takes no more calls; waits until `until` for those that run, then cancels them and waits until
  // they have gone. Whether none was cancelled.
  bool Stop(net::TimePoint until);

 private:
  explicit Server(std::vector<rpc::Worker> workers) : workers_(std::move(workers)) {}

  void Pump(::grpc::ServerCompletionQueue& queue);

  const std::vector<rpc::Worker> workers_;
  std::string address_;
  RunningCalls running_;
  std::vector<std::unique_ptr<RawService>> services_;
  std::unique_ptr<Reflection> reflection_;
  std::vector<std::unique_ptr<::grpc::ServerCompletionQueue>> queues_;
  std::unique_ptr<::grpc::Server> server_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> next_worker_ = 0;
};

}  // namespace luna::grpc
