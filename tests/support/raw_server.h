#pragma once

#include <functional>
#include <string>
#include <thread>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

namespace luna::test {

// A loopback server that does to each connection, one after the other, what the test wrote down.
// Its thread ends with the last connection that was asked for.
class RawServer {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  RawServer(int connections, std::function<void(Socket&)> serve)
      : thread_([this, connections, serve = std::move(serve)] {
          for (int i = 0; i < connections; ++i) {
            Socket socket(context_);
            acceptor_.accept(socket);
            serve(socket);
          }
        }) {}
  ~RawServer() { Join(); }

  // Blocks until the last connection has been served.
  void Join() {
    if (thread_.joinable()) thread_.join();
  }

  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }

  // Blocks until a request's headers are there, and returns them with what of the body came along.
  static std::string ReadHeaders(Socket& socket) {
    std::string headers;
    boost::asio::read_until(socket, boost::asio::dynamic_buffer(headers), "\r\n\r\n");
    return headers;
  }

  static void Write(Socket& socket, const std::string& bytes) {
    boost::asio::write(socket, boost::asio::buffer(bytes));
  }

  // Blocks until the peer has closed or reset the connection.
  static void WaitUntilClosed(Socket& socket) {
    boost::system::error_code error;
    char sink[4096];
    while (!error) socket.read_some(boost::asio::buffer(sink), error);
  }

 private:
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_{context_, {boost::asio::ip::address_v4::loopback(), 0}};
  std::thread thread_;
};

}  // namespace luna::test
