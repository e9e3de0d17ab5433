// What a connection answers beside a stream: whole responses, refusals, OPTIONS.
#include <memory>
#include <utility>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/write.hpp>

#include "server/base/error.h"
#include "server/http/chat_request.h"
#include "server/http/connection.h"
#include "server/http/json.h"
#include "server/http/openai_json.h"
#include "server/http/openapi.h"
#include "server/http/page.h"
#include "server/telemetry/refusal.h"
#include "server/telemetry/request_id.h"

namespace luna::http {

namespace asio = boost::asio;
namespace beast = boost::beast;

asio::awaitable<void> Connection::Refuse(absl::Status error, Headers headers) {
  const v1::Error reason = ErrorOf(error);
  if (reason.retry_after_ms() > 0) {
    headers.emplace_back(beast::http::field::retry_after,
                         std::to_string((reason.retry_after_ms() + 999) / 1000));
  }
  const int status = openai_ ? OpenAiStatus(reason) : HttpStatus(reason);
  co_await Respond(status, reason, std::move(headers));
}

// With the challenge of RFC 6750 section 3.
asio::awaitable<void> Connection::RefuseCaller(const Request& request, absl::Status error) {
  std::string challenge = "Bearer realm=\"luna\"";
  if (request.count(beast::http::field::authorization) > 0)
    challenge += ", error=\"invalid_token\"";
  Headers headers;
  headers.emplace_back(beast::http::field::www_authenticate, std::move(challenge));
  co_await Refuse(error, std::move(headers));
}

asio::awaitable<void> Connection::RefusePath(std::string_view path) {
  const std::string name(path.substr(0, 200));
  const absl::Status error = MakeError(ErrorCode::kNotFound, absl::StrCat("no such path: ", name));
  co_await Refuse(error);
}

asio::awaitable<void> Connection::RefuseMethod(std::string allowed) {
  const absl::Status error =
      MakeError(ErrorCode::kInvalidInput, absl::StrCat("method: this path has ", allowed));
  Headers headers;
  headers.emplace_back(beast::http::field::allow, std::move(allowed));
  co_await Respond(405, ErrorOf(error), std::move(headers));
}

asio::awaitable<void> Connection::RefuseType(std::string expected) {
  const std::string message = "Content-Type: expected " + expected;
  co_await Respond(415, ErrorOf(MakeError(ErrorCode::kInvalidInput, message)));
}

// What a path can do; to a browser that asks before it sends (preflight), whether it may.
asio::awaitable<void> Connection::AnswerOptions(const Request& request, std::string_view path) {
  std::string methods = "GET, HEAD, POST";  // "*" stands for the whole server
  if (path == "/health" || path == "/metrics" || path == kOpenApiPath) {
    methods = "GET, HEAD";
  } else if (path == kChatPath) {
    methods = "POST";
  } else if (page_.Find(path) != nullptr) {
    methods = "GET, HEAD";
  } else if (path != "*") {
    const Match match = routes_.Find("OPTIONS", path);
    if (match.allowed.empty()) co_return co_await RefusePath(path);
    methods = absl::StrJoin(match.allowed, ", ");
  }
  Headers headers;
  if (request.count(beast::http::field::access_control_request_method) > 0) {
    const beast::string_view origin = request[beast::http::field::origin];
    headers = policy_.PreflightHeaders(std::string_view(origin.data(), origin.size()), methods);
  }
  headers.emplace_back(beast::http::field::allow, std::move(methods));
  co_await Respond(204, "", std::move(headers));
}

asio::awaitable<void> Connection::ShowPage(const Page::File& file, const Request& request) {
  const beast::string_view known = request[beast::http::field::if_none_match];
  const bool same = file.IsIn({known.data(), known.size()});
  Response response = NewResponse(same ? 304 : 200);
  response.set(beast::http::field::etag, file.etag);
  response.set(beast::http::field::cache_control, "no-cache");  // asked about each time
  response.set("Content-Security-Policy", kPagePolicy);
  response.set("Referrer-Policy", "no-referrer");
  response.set("X-Content-Type-Options", "nosniff");
  if (!same) {
    response.set(beast::http::field::content_type, file.type);
    response.body() = file.bytes;
  }
  co_await Send(std::move(response));
}

asio::awaitable<void> Connection::Respond(int status, v1::Error error, Headers headers) {
  if (caller_.id.empty()) caller_.id = telemetry::RequestId("");
  if (!recorded_) {
    telemetry::RecordRefusal(*worker_.metrics, caller_.transport, caller_.id, error.code());
  }
  std::string body = openai_ ? OpenAiErrorBody(error) : ErrorBody(error);
  co_await Respond(status, std::move(body), std::move(headers));
}

asio::awaitable<void> Connection::Respond(int status, std::string body, Headers headers) {
  Response response = NewResponse(status);
  if (status != 204) response.set(beast::http::field::content_type, "application/json");
  for (const auto& [name, value] : headers) response.set(name, value);
  response.body() = std::move(body);
  co_await Send(std::move(response));
}

// With what every response carries.
Connection::Response Connection::NewResponse(int status) {
  Response response;
  response.version(http11_ ? 11 : 10);
  response.result(static_cast<unsigned>(status));
  if (caller_.id.empty()) caller_.id = telemetry::RequestId("");
  response.set("X-Request-Id", caller_.id);
  for (const auto& [name, value] : cors_) response.set(name, value);
  response.keep_alive(keep_alive_);
  return response;
}

asio::awaitable<void> Connection::Send(Response response) {
  const unsigned status = response.result_int();
  if (status != 204 && status != 304) {  // which say nothing of a body: RFC 9110 section 8.6
    response.prepare_payload();
  }
  if (head_) response.body().clear();  // the headers are those of the whole response
  beast::http::response_serializer<Response::body_type> serializer(response);
  while (!serializer.is_done()) {
    stream_.expires_after(options_.write_timeout);
    const auto [error, bytes] = co_await beast::http::async_write_some(
        stream_, serializer, asio::as_tuple(asio::use_awaitable));
    if (error) {
      keep_alive_ = false;
      break;
    }
  }
  stream_.expires_never();
}

}  // namespace luna::http
