#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>
#include <curl/curl.h>

#include "server/net/event_loop.h"

namespace luna::net {

struct HttpRequest {
  std::string method = "POST";
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string body;
  std::chrono::milliseconds connect_timeout{5000};  // name look-up, TCP and TLS together
  bool fresh_connection = false;                    // else a kept one, if there is one
};

class CurlMulti;
class HttpClient;
class Transfer;

// A request under way. Destroying it cancels the request: its connection is closed before the
// destructor returns, unless the response had been read to its end.
// All of it on the client's loop.
class HttpExchange {
 public:
  explicit HttpExchange(std::unique_ptr<Transfer> transfer);
  HttpExchange(HttpExchange&&) noexcept;
  HttpExchange& operator=(HttpExchange&&) noexcept;
  ~HttpExchange();

  // Resumes once the status line and the headers are there. kUnavailable: no response could be had
  // (the message says why, without the URL's query); kAborted: nor here, since the server had
  // closed the kept connection; kDeadlineExceeded: `until` has passed, the exchange goes on and may
  // be awaited again.
  asio::awaitable<absl::Status> Headers(TimePoint until);

  // Both after Headers. A header is empty where there is none; names in any case.
  int status() const;
  std::string header(const char* name) const;

  // Gives what has arrived of the body since the last call, at least one byte, or nothing at its
  // end; valid until the next call. Errors as Headers; kOutOfRange past `max_response_bytes`. While
  // nobody reads, at most 64 KiB are buffered; then the socket is left unread, which slows the
  // sender down.
  asio::awaitable<absl::StatusOr<std::string_view>> Read(TimePoint until);

 private:
  std::unique_ptr<Transfer> transfer_;
};

// HTTP/1.1 requests by libcurl on an event loop, over a bounded pool of keep-alive connections:
// HTTP/2 of libcurl 7.88 can end a cut body as a success (fixed in 8.0.0). Redirects are not
// followed, TLS is verified, nothing is decompressed. No request is sent twice: one on a kept
// connection that the server closes without a byte is kAborted. HTTPS_PROXY and NO_PROXY hold,
// but never for loopback addresses. All of it on the loop's thread.
class HttpClient {
 public:
  struct Limits {
    std::int64_t max_response_bytes = 64 << 20;
  };

  HttpClient(asio::io_context& context, Limits limits);
  // Every exchange must be gone.
  ~HttpClient();

  asio::io_context& context() { return context_; }

  // Starts the request now; it makes progress while nobody awaits it.
  HttpExchange Send(HttpRequest request);

 private:
  friend class Transfer;

  // nullptr: another one was needed, and the system gave no descriptor for it.
  CurlMulti* MultiWithRoom();

  asio::io_context& context_;
  const Limits limits_;
  CURLSH* share_;  // TLS sessions
  std::vector<CURL*> idle_handles_;
  std::vector<std::unique_ptr<CurlMulti>> multis_;
};

}  // namespace luna::net
