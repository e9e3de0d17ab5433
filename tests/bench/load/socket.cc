#include "tests/bench/load/socket.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace luna::bench {
namespace {

[[noreturn]] void Throw(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

sockaddr_in ParseAddress(const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos ||
      inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    throw std::runtime_error("not ADDRESS:PORT: " + text);
  }
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1))));
  return address;
}

Socket::Socket(const sockaddr_in& to, int source)
    : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  if (descriptor_ < 0) Throw("socket");
  const int on = 1;
  setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(descriptor_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(source));
  if (bind(descriptor_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) Throw("bind");
  if (connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 &&
      errno != EINPROGRESS) {
    Throw("connect");
  }
}

Socket::~Socket() { close(descriptor_); }

void Socket::Write(std::string_view bytes) {
  out_ += bytes;
  Flush();
}

bool Socket::Flush() {
  std::size_t sent = 0;
  while (sent < out_.size()) {
    const ssize_t size = send(descriptor_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
    // ENOTCONN: the handshake is not over yet.
    if (size < 0 && (errno == EAGAIN || errno == ENOTCONN)) break;
    if (size < 0) Throw("send");
    sent += static_cast<std::size_t>(size);
  }
  out_.erase(0, sent);
  return out_.empty();
}

std::string_view Socket::Read(char* buffer, std::size_t size, bool* ended) {
  const ssize_t got = recv(descriptor_, buffer, size, 0);
  *ended = got == 0;
  if (got < 0 && errno != EAGAIN && errno != ENOTCONN) Throw("recv");
  return {buffer, got > 0 ? static_cast<std::size_t>(got) : 0};
}

}  // namespace luna::bench
