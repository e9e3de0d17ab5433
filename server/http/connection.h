#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "server/config/config.h"
#include "server/http/body_writer.h"
#include "server/http/browser_policy.h"
#include "server/http/chunk_sink.h"
#include "server/http/page.h"
#include "server/http/request_parser.h"
#include "server/http/routes.h"
#include "server/net/event_loop.h"
#include "server/rpc/worker.h"

namespace luna::http {

// One client's connection: reads its requests one after the other and answers each. Loop thread
// only.
//
// A client that closes its sending side while a method works on its request is taken to have left,
// and the work is cancelled: until something is written, half-closed and closed look the same. What
// needs no waiting (/health, a refusal) is answered all the same. So has one that sends over 64 KiB
// ahead meanwhile, since its leaving could not be seen.
class Connection {
 public:
  Connection(boost::asio::ip::tcp::socket socket, rpc::Worker worker, const Routes& routes,
             const BrowserPolicy& policy, const Page& page, const std::string& openapi,
             const config::Server& options);

  // Resumes once the connection has ended. To be spawned with cancellation_slot().
  boost::asio::awaitable<void> Serve();
  boost::asio::cancellation_slot cancellation_slot() { return cancel_.slot(); }

  // Ends the request that is being answered, if there is one; its client is told `why`.
  void EndRequest(const absl::Status& why);
  // Ends the connection, but not before the request that is being answered.
  void Close();
  // Ends it at once.
  void Reset();

 private:
  enum class Arrival { kBytes, kTimeout, kClientLeft };
  using Response = boost::beast::http::response<boost::beast::http::string_body>;

  boost::asio::awaitable<Arrival> ReadMore(net::TimePoint until);
  boost::asio::awaitable<bool> ReadRequest(RequestParser& parser);
  boost::asio::awaitable<void> RefuseRequest(const RequestParser& parser, Arrival arrival);
  boost::asio::awaitable<void> AwaitClose();
  boost::asio::awaitable<void> Answer(const Request& request);
  absl::Status Authenticate(const Request& request);
  static bool HasType(const Request& request, const char* media_type);
  bool TakesFile(const Request& request) const;
  boost::asio::awaitable<void> Call(const Match& match, const Request& request,
                                    std::string_view query);
  boost::asio::awaitable<void> CallUnary(
      const rpc::Method& method, rpc::Message message,
      std::function<std::string(const google::protobuf::Message&)> body);
  boost::asio::awaitable<void> CompleteChat(const Request& request);
  boost::asio::awaitable<void> StreamEvents(rpc::Message message);
  boost::asio::awaitable<void> StreamLines(const rpc::Method& method, rpc::Message message);
  boost::asio::awaitable<void> StreamChunks(const rpc::Method& method, rpc::Message message,
                                            ChunkSink::Form form);
  BodyWriter::Options BodyOptions();
  SseBody::Options SseOptions();
  boost::asio::awaitable<void> Stream(std::shared_ptr<BodyWriter> body,
                                      boost::asio::awaitable<absl::Status> work);
  boost::asio::awaitable<void> NotBuilt(const google::protobuf::MethodDescriptor& method);
  void EndRequestAfter(std::chrono::nanoseconds length);
  void Watch();
  void TakeWhatArrived();
  boost::asio::awaitable<void> ShowPage(const Page::File& file, const Request& request);
  boost::asio::awaitable<void> Respond(int status, std::string body, Headers headers = {});
  boost::asio::awaitable<void> Respond(int status, v1::Error error, Headers headers = {});
  Response NewResponse(int status);
  boost::asio::awaitable<void> Send(Response response);
  boost::asio::awaitable<void> Refuse(absl::Status error, Headers headers = {});
  boost::asio::awaitable<void> RefuseCaller(const Request& request, absl::Status error);
  boost::asio::awaitable<void> RefusePath(std::string_view path);
  boost::asio::awaitable<void> RefuseMethod(std::string allowed);
  boost::asio::awaitable<void> RefuseType(std::string expected);
  boost::asio::awaitable<void> AnswerOptions(const Request& request, std::string_view path);

  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;  // what has been read and not yet parsed
  net::Signal arrived_;               // bytes, or the client's end
  std::shared_ptr<void> watching_;    // while a handler waits for either
  bool client_left_ = false;
  boost::asio::steady_timer deadline_;  // the caller's own
  std::shared_ptr<void> answering_;     // until the answer is known, and cannot be ended any more
  const rpc::Worker worker_;
  const Routes& routes_;
  const BrowserPolicy& policy_;
  const Page& page_;
  const std::string& openapi_;
  const config::Server& options_;
  boost::asio::cancellation_signal cancel_;
  Caller caller_;
  std::shared_ptr<BodyWriter> body_;  // while a stream is being answered
  Headers cors_;                      // what every response to the request carries besides
  bool openai_ = false;               // errors have OpenAI's form
  bool recorded_ = false;             // the request, by the method that it called
  bool idle_ = true;
  bool keep_alive_ = true;
  bool http11_ = true;
  bool head_ = false;
};

}  // namespace luna::http
