#include "server/http/request_parser.h"

#include <cstdint>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

#include "server/base/error.h"

namespace luna::http {

namespace beast = boost::beast;
using beast::http::field;

namespace {

constexpr std::uint32_t kMostHeaderBytes = 16 << 10;
constexpr int kMostFields = 100;
constexpr std::uint64_t kMostBodyBytes = 256 << 10;
constexpr std::uint64_t kMostFileBytes = 16 << 20;

bool IsNumber(beast::string_view text) {
  for (const unsigned char c : text) {
    if (!absl::ascii_isdigit(c)) return false;
  }
  return !text.empty();
}

// The characters of uri-host and port, RFC 3986 section 3.2.2.
bool IsHost(beast::string_view text) {
  for (const unsigned char c : text) {
    if (!absl::ascii_isalnum(c) &&
        std::string_view("-._~%!$&'()*+,;=:[]").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

}  // namespace

RequestParser::RequestParser(std::function<bool(const Request&)> takes_file)
    : takes_file_(std::move(takes_file)) {
  parser_.header_limit(kMostHeaderBytes);
  parser_.body_limit(boost::none);  // which it is, is not known before the header
}

RequestParser::State RequestParser::Feed(beast::flat_buffer& buffer) {
  if (state_ == State::kHeader) {
    const std::size_t size = FindHeaderEnd(buffer);
    if (size > 0) ParseHeader(buffer, size);
  }
  if (state_ == State::kBody) ParseBody(buffer);
  return state_;
}

bool RequestParser::expects_continue() const {
  return state_ == State::kBody && request().version() >= 11 && !request()[field::expect].empty();
}

// The size of the whole header, or 0: not there yet, or refused.
std::size_t RequestParser::FindHeaderEnd(beast::flat_buffer& buffer) {
  const auto* bytes = static_cast<const unsigned char*>(buffer.cdata().data());
  for (; scanned_ < buffer.size(); ++scanned_) {
    if (scanned_ == kMostHeaderBytes) {
      Refuse(431, absl::StrCat("header: longer than ", kMostHeaderBytes, " bytes"));
      return 0;
    }
    const unsigned char c = bytes[scanned_];
    const bool after_cr = scanned_ > line_ && bytes[scanned_ - 1] == '\r';
    if (after_cr != (c == '\n')) {
      Refuse(400, "header: every line ends in CR LF, and neither stands elsewhere");
      return 0;
    }
    if (absl::ascii_iscntrl(c) && c != '\t' && c != '\r' && c != '\n') {
      Refuse(400, "header: a control character");
      return 0;
    }
    if (scanned_ == line_ && (c == ' ' || c == '\t')) {
      Refuse(400, "header: a line that starts with white space (obsolete folding)");
      return 0;
    }
    if (c != '\n') continue;

    const bool empty = scanned_ == line_ + 1;
    line_ = scanned_ + 1;
    if (empty && lines_ > 0) return scanned_ + 1;
    if (empty && std::exchange(skipped_empty_line_, true)) {
      Refuse(400, "header: no request line");
      return 0;
    }
    if (!empty) ++lines_;
    if (lines_ - 1 > kMostFields) {
      Refuse(431, absl::StrCat("header: more than ", kMostFields, " fields"));
      return 0;
    }
  }
  return 0;
}

void RequestParser::ParseHeader(beast::flat_buffer& buffer, std::size_t size) {
  if (skipped_empty_line_) {  // RFC 9112 section 2.2: old clients send one after a body
    buffer.consume(2);
    size -= 2;
  }
  beast::error_code error;
  parser_.put(boost::asio::buffer(buffer.cdata(), size), error);
  buffer.consume(size);
  if (error) return Refuse(400, absl::StrCat("not an HTTP request: ", error.message()));
  std::string wrong = WrongField();
  if (!wrong.empty()) return Refuse(400, std::move(wrong));
  const beast::string_view expectation = request()[field::expect];
  if (!expectation.empty() && !beast::iequals(expectation, "100-continue")) {
    return Refuse(417, "Expect: only 100-continue is met");
  }
  const bool file = takes_file_ != nullptr && takes_file_(request());
  most_body_ = file ? kMostFileBytes : kMostBodyBytes;
  if (parser_.content_length().value_or(0) > most_body_) return RefuseLength();
  parser_.body_limit(most_body_);
  state_ = parser_.is_done() ? State::kDone : State::kBody;
  parser_.eager(true);
}

// What is wrong with a header that Beast has taken; empty: nothing.
std::string RequestParser::WrongField() const {
  for (const field once : {field::host, field::content_length, field::transfer_encoding,
                           field::origin, field::content_type, field::expect}) {
    if (request().count(once) > 1) {
      const beast::string_view name = beast::http::to_string(once);
      return absl::StrCat(std::string(name), ": more than one");
    }
  }
  const bool http11 = request().version() >= 11;
  if (http11 && request().count(field::host) == 0) return "Host: missing";
  if (!IsHost(request()[field::host])) return "Host: not a host";
  const bool has_length = request().count(field::content_length) > 0;
  if (has_length && !IsNumber(request()[field::content_length])) {
    return "Content-Length: not a number";
  }
  if (request().count(field::transfer_encoding) == 0) return "";
  if (!http11) return "Transfer-Encoding: not in HTTP/1.0";
  if (has_length) return "Transfer-Encoding: beside Content-Length";
  return beast::iequals(request()[field::transfer_encoding], "chunked")
             ? ""
             : "Transfer-Encoding: only chunked is taken";
}

void RequestParser::ParseBody(beast::flat_buffer& buffer) {
  // As long as the body goes on, at least the last chunk is still to come. Beast 1.81 asserts that
  // it is whole once it has seen the "0", which a client can see to that it is not.
  constexpr std::size_t kLastChunk = 5;  // "0\r\n\r\n"
  if (buffer.size() < (parser_.chunked() ? kLastChunk : 1)) return;
  beast::error_code error;
  buffer.consume(parser_.put(buffer.cdata(), error));
  if (error == beast::http::error::body_limit) {
    RefuseLength();
  } else if (error && error != beast::http::error::need_more) {
    Refuse(400, absl::StrCat("body: ", error.message()));
  } else if (parser_.is_done()) {
    state_ = State::kDone;
  } else if (buffer.size() > kMostHeaderBytes) {
    Refuse(400, "body: a chunk's size line or the trailers are too long");
  }
}

void RequestParser::RefuseLength() {
  const char* advice =
      most_body_ == kMostFileBytes ? "; send the file in parts of whole lines" : "";
  Refuse(413, absl::StrCat("body: longer than ", most_body_, " bytes", advice));
}

void RequestParser::Refuse(int status, std::string message) {
  const bool too_large = status == 413 || status == 431;
  state_ = State::kRefused;
  status_ = status;
  error_ = MakeError(too_large ? ErrorCode::kInputTooLarge : ErrorCode::kInvalidInput,
                     std::move(message));
}

}  // namespace luna::http
