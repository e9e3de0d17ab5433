#include "server/http/browser_policy.h"

#include <algorithm>

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include "server/base/error.h"

namespace luna::http {

using boost::beast::http::field;

namespace {

std::string Lower(std::string_view text) {
  return absl::AsciiStrToLower(absl::string_view(text.data(), text.size()));
}

bool Contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string_view WithoutPort(std::string_view host) {
  const std::size_t colon = host.find_last_of(":]");
  const bool has_port = colon != std::string_view::npos && host[colon] == ':' &&
                        std::all_of(host.begin() + colon + 1, host.end(),
                                    [](unsigned char c) { return absl::ascii_isdigit(c); });
  return has_port ? host.substr(0, colon) : host;
}

}  // namespace

BrowserPolicy::BrowserPolicy(const config::Server& options, bool any_host)
    : hosts_{"localhost", "127.0.0.1", "[::1]"}, any_host_(any_host) {
  for (const std::string& host : options.hosts) hosts_.push_back(Lower(host));
  for (const std::string& origin : options.cors_origins) {
    any_origin_ = any_origin_ || origin == "*";
    origins_.push_back(Lower(origin));
  }
}

absl::Status BrowserPolicy::Check(std::string_view host_field,
                                  std::string_view origin_field) const {
  const std::string host = Lower(host_field);
  const std::string origin = Lower(origin_field);
  if (!any_host_ && !host.empty() && !Contains(hosts_, host) &&
      !Contains(hosts_, WithoutPort(host))) {
    return MakeError(
        ErrorCode::kPermissionDenied,
        absl::StrCat("Host: '", host.substr(0, 200), "' is neither loopback nor in server.hosts. ",
                     "Any other name, an address that luna listens on too, must be listed there: ",
                     "a web page could reach luna under it (DNS rebinding)"));
  }
  if (origin.empty() || IsListed(origin)) return absl::OkStatus();
  if (!host.empty() && (origin == "http://" + host || origin == "https://" + host)) {
    return absl::OkStatus();
  }
  return MakeError(ErrorCode::kPermissionDenied,
                   absl::StrCat("Origin: '", origin.substr(0, 200),
                                "' is not that of this server and not in server.cors_origins"));
}

Headers BrowserPolicy::ResponseHeaders(std::string_view origin) const {
  Headers headers;
  if (origins_.empty()) return headers;
  headers.emplace_back(field::vary, "Origin");
  if (origin.empty() || !IsListed(Lower(origin))) return headers;
  headers.emplace_back(field::access_control_allow_origin,
                       any_origin_ ? std::string("*") : std::string(origin));
  headers.emplace_back(field::access_control_expose_headers, "Retry-After, X-Request-Id");
  return headers;
}

Headers BrowserPolicy::PreflightHeaders(std::string_view origin, const std::string& methods) const {
  Headers headers;
  if (origin.empty() || !IsListed(Lower(origin))) return headers;
  headers.emplace_back(field::access_control_allow_methods, methods);
  // OpenAI's client for pages sends eight fields of its own. `*` stands for all but Authorization:
  // https://fetch.spec.whatwg.org/#http-access-control-allow-headers
  headers.emplace_back(field::access_control_allow_headers,
                       "Authorization, Content-Type, Grpc-Timeout, X-Request-Id, *");
  headers.emplace_back(field::access_control_max_age, "600");
  return headers;
}

bool BrowserPolicy::IsListed(const std::string& origin) const {
  return any_origin_ || Contains(origins_, origin);
}

}  // namespace luna::http
