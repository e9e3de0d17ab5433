#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace luna::http {

using Request = boost::beast::http::request<boost::beast::http::string_body>;

// Reads one request from bytes as they arrive; does no I/O. Beast parses; what it lets through and
// a proxy in front might read in another way (request smuggling) is refused here: RFC 9112,
// sections 2.2, 3.2, 5.2, 6.1, 6.3 and 11.2. After a refusal nothing may be read from the
// connection any more, since it is not known where the request ends.
//
// Limits: 16 KiB and 100 fields of header, 256 KiB of body or 16 MiB where it is a file, 16 KiB for
// one chunk's size line and for the trailers. Trailers are read as fields; no one looks at them.
class RequestParser {
 public:
  enum class State { kHeader, kBody, kDone, kRefused };

  // `takes_file` is asked, of a request without its body, whether that may be a file; nullptr:
  // never.
  explicit RequestParser(std::function<bool(const Request&)> takes_file = nullptr);

  // Takes what it needs from `buffer`, which keeps what follows the request. To be called again
  // with more while kHeader or kBody.
  State Feed(boost::beast::flat_buffer& buffer);
  State state() const { return state_; }

  // Whole once kDone; without its body, once no longer kHeader; after a refusal, what was parsed.
  const Request& request() const { return parser_.get(); }
  // Whether the client waits for "100 Continue" before it sends the body.
  bool expects_continue() const;

  // Why it was refused: 400, 413, 417 or 431.
  int status() const { return status_; }
  const absl::Status& error() const { return error_; }

 private:
  std::size_t FindHeaderEnd(boost::beast::flat_buffer& buffer);
  void ParseHeader(boost::beast::flat_buffer& buffer, std::size_t size);
  void ParseBody(boost::beast::flat_buffer& buffer);
  std::string WrongField() const;
  void RefuseLength();
  void Refuse(int status, std::string message);

  boost::beast::http::request_parser<boost::beast::http::string_body> parser_;
  const std::function<bool(const Request&)> takes_file_;
  State state_ = State::kHeader;
  std::uint64_t most_body_ = 0;
  std::size_t scanned_ = 0;  // of the header
  std::size_t line_ = 0;     // where the line that is being scanned starts
  int lines_ = 0;
  bool skipped_empty_line_ = false;
  int status_ = 0;
  absl::Status error_;
};

}  // namespace luna::http
