#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/ip/tcp.hpp>

#include "server/config/config.h"
#include "server/http/browser_policy.h"
#include "server/http/connection.h"
#include "server/http/page.h"
#include "server/http/routes.h"
#include "server/rpc/worker.h"

namespace luna::http {

// The HTTP transport: listens, and shares its connections out among the workers.
class Server {
 public:
  // Binds at once; kUnavailable names the address and why. Serves `services` by their annotations,
  // and `page` at `/`.
  static absl::StatusOr<std::unique_ptr<Server>> Listen(
      const config::Server& options,
      const std::vector<const google::protobuf::ServiceDescriptor*>& services,
      std::vector<rpc::Worker> workers, Page page = {});
  // Stop must have been called.
  ~Server();

  // The address in use, "127.0.0.1:8000": the port is real where 0 was asked for.
  std::string address() const;

  // Accepts from now on.
  void Start();

  // Ends every request that is being answered; its client is told `why`. These from any thread but
  // a loop's.
  void EndRequests(const absl::Status& why);
  // Accepts no more and ends idle connections; waits until `until` for the others, then resets
  // them. Whether none was reset.
  bool Stop(net::TimePoint until);

 private:
  // What belongs to one loop.
  struct Lane {
    rpc::Worker worker;
    std::list<Connection> connections;
  };

  Server(const config::Server& options, Routes routes, std::vector<rpc::Worker> workers, Page page);

  boost::asio::awaitable<void> Accept();
  void Serve(Lane& lane, boost::asio::ip::tcp::socket socket);
  void EachConnection(const std::function<void(Connection&)>& visit);
  void Ended();

  const config::Server& options_;
  const Routes routes_;
  const std::string openapi_;
  const BrowserPolicy policy_;
  const Page page_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  boost::asio::ip::tcp::acceptor acceptor_;  // on the first loop

  std::mutex mutex_;
  std::condition_variable ended_;
  int tasks_ = 0;  // connections, the accepting coroutine, posted functions; under mutex_
  bool stopping_ = false;
};

}  // namespace luna::http
