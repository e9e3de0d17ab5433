#include "server/http/server.h"

#include <utility>

#include <absl/strings/str_cat.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "server/http/openapi.h"

namespace luna::http {

namespace asio = boost::asio;
using asio::ip::tcp;

absl::StatusOr<std::unique_ptr<Server>> Server::Listen(
    const config::Server& options,
    const std::vector<const google::protobuf::ServiceDescriptor*>& services,
    std::vector<rpc::Worker> workers, Page page) {
  const std::string name = absl::StrCat(options.http.host, ":", options.http.port);
  std::unique_ptr<Server> server(
      new Server(options, Routes(services), std::move(workers), std::move(page)));
  tcp::acceptor& acceptor = server->acceptor_;
  boost::system::error_code error;
  const auto endpoints = tcp::resolver(acceptor.get_executor())
                             .resolve(options.http.host, std::to_string(options.http.port),
                                      tcp::resolver::passive, error);
  if (!error) {
    const tcp::endpoint endpoint = endpoints.begin()->endpoint();
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(4096, error);
  }
  if (error)
    return absl::UnavailableError(
        absl::StrCat("server.http (LUNA_HTTP_LISTEN, --http) ", name, ": ", error.message()));
  return server;
}

Server::Server(const config::Server& options, Routes routes, std::vector<rpc::Worker> workers,
               Page page)
    : options_(options),
      routes_(std::move(routes)),
      openapi_(OpenApi(routes_, workers.front().tokens != nullptr)),
      policy_(options, workers.front().tokens != nullptr),
      page_(std::move(page)),
      acceptor_(workers.front().loop->context()) {
  for (const rpc::Worker& worker : workers) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->worker = worker;
  }
}

Server::~Server() = default;

std::string Server::address() const {
  const tcp::endpoint endpoint = acceptor_.local_endpoint();
  const bool v6 = endpoint.address().is_v6();
  return absl::StrCat(v6 ? "[" : "", endpoint.address().to_string(), v6 ? "]:" : ":",
                      endpoint.port());
}

void Server::Start() {
  ++tasks_;
  asio::co_spawn(acceptor_.get_executor(), Accept(), [this](std::exception_ptr bug) {
    if (bug) std::rethrow_exception(bug);  // rather than a server that accepts nobody any more
    Ended();
  });
}

asio::awaitable<void> Server::Accept() {
  for (std::size_t next = 0;; next = (next + 1) % lanes_.size()) {
    Lane& lane = *lanes_[next];
    tcp::socket socket(lane.worker.loop->context());
    auto [error] = co_await acceptor_.async_accept(socket, asio::as_tuple(asio::use_awaitable));
    if (!acceptor_.is_open()) co_return;
    if (error) {
      // Out of descriptors, most likely: neither spin nor end.
      spdlog::warn("accept: {}", error.message());
      asio::steady_timer pause(acceptor_.get_executor(), std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::use_awaitable);
      continue;
    }
    const std::lock_guard lock(mutex_);
    if (stopping_) co_return;
    ++tasks_;
    asio::post(lane.worker.loop->context(), [this, &lane, socket = std::move(socket)]() mutable {
      Serve(lane, std::move(socket));
    });
  }
}

void Server::Serve(Lane& lane, tcp::socket socket) {
  const auto place =
      lane.connections.emplace(lane.connections.end(), std::move(socket), lane.worker, routes_,
                               policy_, page_, openapi_, options_);
  const auto ended = [this, &lane, place](std::exception_ptr failure) {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const boost::system::system_error& error) {
      const bool expected = error.code() == asio::error::operation_aborted;
      if (!expected) spdlog::warn("connection: {}", error.what());
    } catch (const std::exception& error) {
      spdlog::error("connection: {}", error.what());
    }
    lane.connections.erase(place);
    Ended();
  };
  asio::co_spawn(lane.worker.loop->context(), place->Serve(),
                 asio::bind_cancellation_slot(place->cancellation_slot(), ended));
}

void Server::Ended() {
  const std::lock_guard lock(mutex_);
  --tasks_;
  ended_.notify_all();
}

// With mutex_ held.
void Server::EachConnection(const std::function<void(Connection&)>& visit) {
  for (const auto& lane : lanes_) {
    ++tasks_;
    asio::post(lane->worker.loop->context(), [this, &lane = *lane, visit] {
      for (Connection& connection : lane.connections) visit(connection);
      Ended();
    });
  }
}

void Server::EndRequests(const absl::Status& why) {
  const std::lock_guard lock(mutex_);
  EachConnection([why](Connection& connection) { connection.EndRequest(why); });
}

bool Server::Stop(net::TimePoint until) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  ++tasks_;
  asio::post(acceptor_.get_executor(), [this] {
    acceptor_.close();
    Ended();
  });
  EachConnection([](Connection& connection) { connection.Close(); });
  const auto all_ended = [this] { return tasks_ == 0; };
  if (ended_.wait_until(lock, until, all_ended)) return true;
  EachConnection([](Connection& connection) { connection.Reset(); });
  ended_.wait(lock, all_ended);
  return false;
}

}  // namespace luna::http
