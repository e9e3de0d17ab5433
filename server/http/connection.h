#pragma once

#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "server/config/config.h"
#include "server/http/routes.h"
#include "server/rpc/worker.h"

namespace luna::http {

// One client's connection: reads its requests one after the other and answers each. Loop thread
// only.
class Connection {
 public:
  Connection(boost::asio::ip::tcp::socket socket, rpc::Worker worker, const Routes& routes,
             const config::Server& options);

  // Resumes once the connection has ended. Cancelled by the coroutine's cancellation slot.
  boost::asio::awaitable<void> Serve();

  // No request is being answered, so that nothing is lost by ending the connection.
  bool idle() const { return idle_; }
  // Ends after the answer that is under way.
  void CloseAfterwards() { keep_alive_ = false; }

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Request = boost::beast::http::request<boost::beast::http::string_body>;

  boost::asio::awaitable<bool> ReadRequest(Parser& parser);
  boost::asio::awaitable<void> Answer(const Request& request);
  boost::asio::awaitable<void> CallUnary(const google::protobuf::MethodDescriptor& method,
                                         rpc::Message message);
  boost::asio::awaitable<void> Stream(const Request& request, rpc::Message message);
  boost::asio::awaitable<void> ClientLeaves();
  boost::asio::awaitable<void> Respond(int status, std::string body, std::string allow = "");
  boost::asio::awaitable<void> Refuse(const absl::Status& error);
  boost::asio::awaitable<void> RefuseMethod(std::string allowed);

  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;  // what has been read and not yet parsed
  const rpc::Worker worker_;
  const Routes& routes_;
  const config::Server& options_;
  bool idle_ = true;
  bool keep_alive_ = true;
  bool http11_ = true;
};

}  // namespace luna::http
