#pragma once

#include <netinet/in.h>

#include <string>
#include <string_view>

namespace luna::bench {

// ADDRESS:PORT, IPv4. Throws std::runtime_error.
sockaddr_in ParseAddress(const std::string& text);

// A non-blocking TCP connection. Throws std::runtime_error with the system's words.
class Socket {
 public:
  // `source` numbers the address in 127.0.0.0/8 that it comes from: each has its own ports.
  Socket(const sockaddr_in& to, int source);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int descriptor() const { return descriptor_; }

  // Writes what it can, and keeps the rest for `Flush`.
  void Write(std::string_view bytes);
  // False: some are still waiting for the socket to take more.
  bool Flush();
  bool flushed() const { return out_.empty(); }

  // What has arrived, in `buffer`; empty if there is nothing more for now. `ended`: the peer has
  // closed.
  std::string_view Read(char* buffer, std::size_t size, bool* ended);

 private:
  int descriptor_;
  std::string out_;
};

}  // namespace luna::bench
