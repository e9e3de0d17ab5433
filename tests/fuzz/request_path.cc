#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <boost/asio/buffer.hpp>

#include "echo.pb.h"
#include "luna/v1/interaction.pb.h"
#include "server/http/browser_policy.h"
#include "server/http/grpc_timeout.h"
#include "server/http/request_parser.h"
#include "server/http/routes.h"
#include "server/telemetry/request_id.h"
#include "tests/fuzz/json_check.h"

// An input is a seed for the pieces, and what a client sends on one connection.
namespace luna::fuzz {
namespace {

using boost::beast::flat_buffer;
using boost::beast::http::field;
using http::RequestParser;
using State = http::RequestParser::State;

std::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

std::string Written(const http::Request& request) {
  std::string text = absl::StrCat(std::string(request.method_string()), " ",
                                  std::string(request.target()), " ", request.version(), "\n");
  for (const auto& one : request) {
    absl::StrAppend(&text, std::string(one.name_string()), ": ", std::string(one.value()), "\n");
  }
  return text + request.body();
}

// What was read of a connection.
struct Reading {
  std::vector<std::string> requests;
  State state = State::kHeader;  // of the last one
  int status = 0;
  std::string error;
  std::size_t unread = 0;  // bytes that no request took

  bool operator==(const Reading&) const = default;
};

// RFC 9112, 6.3: a request that was taken has one way to say how long it is, and is that long.
void CheckLength(const http::Request& request) {
  const bool chunked = request.count(field::transfer_encoding) > 0;
  const std::size_t lengths = request.count(field::content_length);
  Check(lengths + (chunked ? 1 : 0) <= 1, "a request says its length once");
  std::size_t length = 0;
  if (lengths > 0) {
    Check(absl::SimpleAtoi(std::string(request[field::content_length]), &length),
          "a length is a number");
  }
  Check(chunked || request.body().size() == length, "a body is as long as it says");
  Check(request.body().size() <= 256 << 10, "a body has at most 256 KiB");
}

void CheckMessage(const http::Request& request) {
  static const http::Routes routes({v1::InteractRequest::descriptor()->file()->service(0),
                                    test::EchoRequest::descriptor()->file()->service(0)});
  const std::string_view target = View(request.target());
  const std::size_t mark = target.find('?');
  const std::string_view query = mark == target.npos ? "" : target.substr(mark + 1);
  const http::Match match = routes.Find(View(request.method_string()), target.substr(0, mark));
  if (match.route == nullptr) return;
  const std::unique_ptr<google::protobuf::Message> message(
      google::protobuf::MessageFactory::generated_factory()
          ->GetPrototype(match.route->method->input_type())
          ->New());
  const absl::Status status =
      http::ReadMessage(*match.route, request.body(), query, match.variables, *message);
  if (status.ok()) CheckRead(*message);
  CheckRefused(status, "INVALID_INPUT");
}

void CheckFields(const http::Request& request) {
  static const http::BrowserPolicy policy(
      config::Server{.cors_origins = {"https://luna.example"}, .hosts = {"luna.example"}});
  const std::string_view given = View(request[field::origin]);
  const std::string origin = absl::AsciiStrToLower(std::string(given));
  const std::string host = absl::AsciiStrToLower(std::string(request[field::host]));
  const bool listed = origin == "https://luna.example";
  for (const auto& [name, value] : policy.ResponseHeaders(given)) {
    Check(value.find_first_of("\r\n") == value.npos, "a header's value is one line", value);
    Check(name != field::access_control_allow_origin || listed, "only a listed origin may read",
          value);
  }
  const absl::Status allowed = policy.Check(host, given);
  Check(!allowed.ok() || origin.empty() || listed || absl::EndsWith(origin, "://" + host),
        "a foreign origin is refused", origin);
  CheckRefused(allowed, "PERMISSION_DENIED");
  const std::string id = telemetry::RequestId(View(request["x-request-id"]));
  Check(!id.empty() && id.size() <= 128 && id.find_first_of(" \r\n\t\"=") == id.npos,
        "a request's id is a word", id);
  if (const auto timeout = http::ParseGrpcTimeout(View(request["grpc-timeout"]))) {
    Check(timeout->count() >= 0, "a deadline is not in the past");
  }
}

// Reads as http::Connection does, request after request.
Reading Read(const std::vector<std::vector<char>>& pieces) {
  Reading reading;
  flat_buffer buffer;
  auto parser = std::make_unique<RequestParser>();
  const auto feed = [&] {
    while (parser->Feed(buffer) == State::kDone) {
      reading.requests.push_back(Written(parser->request()));
      CheckLength(parser->request());
      CheckFields(parser->request());
      CheckMessage(parser->request());
      parser = std::make_unique<RequestParser>();
      if (buffer.size() == 0) return;
    }
  };
  for (const std::vector<char>& piece : pieces) {
    buffer.commit(boost::asio::buffer_copy(buffer.prepare(piece.size()),
                                           boost::asio::buffer(piece.data(), piece.size())));
    if (parser->state() != State::kRefused) feed();
  }
  reading.state = parser->state();
  reading.status = parser->status();
  reading.error = std::string(parser->error().message());
  reading.unread = buffer.size();
  if (reading.state == State::kRefused) {
    const int status = reading.status;
    Check(status == 400 || status == 413 || status == 417 || status == 431,
          "a refusal has its status");
    CheckRefused(parser->error(),
                 status == 413 || status == 431 ? "INPUT_TOO_LARGE" : "INVALID_INPUT");
    reading.unread = 0;  // nothing may be read from there any more
  }
  return reading;
}

// The end of a chunked body waits unjudged until it is as long as a last chunk; a part of it that
// came together with what is before it was judged with that.
bool IsUndecided(const Reading& pieces, const Reading& whole) {
  constexpr std::size_t kLastChunk = 5;
  return pieces.state == State::kBody && pieces.unread < kLastChunk &&
         (whole.state == State::kBody || whole.state == State::kRefused) &&
         pieces.requests == whole.requests;
}

void Run(std::string_view input) {
  const std::uint8_t seed = TakeByte(input);
  const Reading whole = Read({std::vector<char>(input.begin(), input.end())});
  const Reading pieces = Read(Pieces(input, seed));
  Check(pieces == whole || IsUndecided(pieces, whole), "how the bytes are cut changes nothing",
        absl::StrCat("whole: ", whole.requests.size(), " requests, state ",
                     static_cast<int>(whole.state), ", ", whole.error, ", unread ", whole.unread,
                     "; in pieces: ", pieces.requests.size(), ", ", static_cast<int>(pieces.state),
                     ", ", pieces.error, ", unread ", pieces.unread));
}

}  // namespace
}  // namespace luna::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  luna::fuzz::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
