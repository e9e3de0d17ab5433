#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <boost/beast/http/field.hpp>

#include "server/config/config.h"

namespace luna::http {

using Headers = std::vector<std::pair<boost::beast::http::field, std::string>>;

// Which web pages may call, so that no page that a user of this machine happens to visit does.
// Immutable, so any thread may read it.
class BrowserPolicy {
 public:
  // `any_host`: where callers need a token, which no page has; then only `origin` is looked at.
  explicit BrowserPolicy(const config::Server& options, bool any_host = false);

  // PERMISSION_DENIED unless both hold:
  // - `host` is loopback (localhost, 127.0.0.1, [::1], at any port) or in server.hosts, or there is
  //   none (HTTP/1.0, which no browser speaks). Every other name, an address that the server
  //   listens on too, may be a page's own that was made to lead here (DNS rebinding).
  // - `origin` is that of `host` or in server.cors_origins, or there is none (no browser). An entry
  //   "*" stands for every origin.
  absl::Status Check(std::string_view host, std::string_view origin) const;

  // What every response to a request from `origin` carries besides. Credentials are never allowed:
  // luna takes tokens, not cookies.
  Headers ResponseHeaders(std::string_view origin) const;
  // What the answer to a preflight carries besides ResponseHeaders. `methods` as in Allow.
  Headers PreflightHeaders(std::string_view origin, const std::string& methods) const;

 private:
  bool IsListed(const std::string& origin) const;

  std::vector<std::string> hosts_;  // in lower case, as everything here
  std::vector<std::string> origins_;
  bool any_origin_ = false;
  const bool any_host_;
};

}  // namespace luna::http
