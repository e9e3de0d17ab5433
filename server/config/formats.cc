#include "server/config/formats.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include "server/base/utf8.h"
#include "server/config/yaml_map.h"

namespace luna::config {
namespace {

constexpr std::size_t kMostFileBytes = 1 << 20;
constexpr std::size_t kMostNameBytes = 64;
constexpr std::size_t kMostUserIdBytes = 128;  // as in a request: proto/luna/v1/interaction.proto

bool Only(const std::string& text, bool (*allowed)(unsigned char)) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return allowed(static_cast<unsigned char>(c)); });
}

bool IsAddress(int family, const std::string& text) {
  unsigned char address[16];
  return inet_pton(family, text.c_str(), address) == 1;
}

std::optional<int> ParsePort(const std::string& text) {
  int port = 0;
  const bool digits = !text.empty() && text.size() <= 5 && Only(text, absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(text, &port) || port > 65535) return std::nullopt;
  return port;
}

struct HostAndPort {
  std::string host;  // without brackets
  bool ipv6 = false;
  std::optional<std::string> port;
};

// Splits HOST, HOST:PORT, [IPV6] and [IPV6]:PORT. What the parts hold is not looked at.
std::optional<HostAndPort> Split(const std::string& text) {
  HostAndPort result;
  std::size_t end = text.find(':');
  if (absl::StartsWith(text, "[")) {
    end = text.find(']');
    if (end == std::string::npos) return std::nullopt;
    result.host = text.substr(1, end - 1);
    result.ipv6 = true;
    ++end;
  } else {
    result.host = text.substr(0, end);
  }
  if (end >= text.size()) return result;
  if (text[end] != ':') return std::nullopt;
  result.port = text.substr(end + 1);
  return result;
}

// A host that a URL or a Host header can name. Its port is from 1.
bool IsHost(const std::string& text) {
  const std::optional<HostAndPort> parts = Split(text);
  if (!parts) return false;
  const auto of_a_name = [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
  };
  const bool host = parts->ipv6 ? IsAddress(AF_INET6, parts->host)
                                : !parts->host.empty() && Only(parts->host, of_a_name);
  return host && (!parts->port || ParsePort(*parts->port).value_or(0) > 0);
}

// What follows http:// or https://.
std::optional<std::string> AfterScheme(const std::string& text) {
  for (const std::string scheme : {"http://", "https://"}) {
    if (absl::StartsWithIgnoreCase(text, scheme)) return text.substr(scheme.size());
  }
  return std::nullopt;
}

}  // namespace

std::string AnyText(const std::string&) { return ""; }

std::string NotEmpty(const std::string& text) {
  return text.empty() ? "expected a text" + Got(text) : "";
}

std::string NotUrl(const std::string& text) {
  if (absl::StrContains(text, '@')) return "a URL with a user name or a password is not taken";
  if (absl::StrContains(text, '?') || absl::StrContains(text, '#')) {
    return "a URL with a query or a fragment is not taken";
  }
  const std::optional<std::string> rest = AfterScheme(text);
  if (!rest) return "not an http:// or https:// address" + Got(text);
  if (!IsHost(rest->substr(0, rest->find('/')))) return "not a URL with a host" + Got(text);
  if (!Only(*rest, absl::ascii_isgraph)) return "not a URL" + Got(text);
  return "";
}

std::string NotUrlOrEmpty(const std::string& text) { return text.empty() ? "" : NotUrl(text); }

std::string WithoutTrailingSlashes(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string NotOrigin(const std::string& text) {
  const std::optional<std::string> host = AfterScheme(text);
  if (text == "*" || (host && IsHost(*host))) return "";
  return "expected an origin such as https://example.com, or *" + Got(text);
}

std::string NotHost(const std::string& text) {
  return IsHost(text) ? "" : "expected a host such as example.com or example.com:8000" + Got(text);
}

std::string NotVariable(const std::string& text) {
  const auto allowed = [](unsigned char c) {
    return absl::ascii_isupper(c) || absl::ascii_isdigit(c) || c == '_';
  };
  if (!text.empty() && Only(text, allowed) && !absl::ascii_isdigit(text[0])) return "";
  return "expected the name of an environment variable such as GEMINI_API_KEY, not a key itself";
}

std::string NotVariableOrEmpty(const std::string& text) {
  return text.empty() ? "" : NotVariable(text);
}

std::string NotTargetName(const std::string& text) {
  const auto allowed = [](unsigned char c) { return c > 0x20 && c != 0x7F && c != '"'; };
  if (!text.empty() && text.size() <= kMostNameBytes && Only(text, allowed)) return "";
  return "expected a name of at most 64 bytes without white space and quotes" + Got(text);
}

std::string NotGeminiModel(const std::string& text) {
  const auto allowed = [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
  };
  if (!text.empty() && Only(text, allowed)) return "";
  return "expected a model's id such as gemini-2.5-flash" + Got(text);
}

std::optional<Listen> ParseListen(const std::string& text) {
  const std::optional<HostAndPort> parts = Split(text);
  if (!parts || !parts->port) return std::nullopt;
  const std::optional<int> port = ParsePort(*parts->port);
  const bool host = parts->ipv6 ? IsAddress(AF_INET6, parts->host)
                                : parts->host == "localhost" || IsAddress(AF_INET, parts->host);
  if (!host || !port) return std::nullopt;
  return Listen{parts->host, *port};
}

std::string NotListen(const std::string& text) {
  if (ParseListen(text)) return "";
  return "expected ADDRESS:PORT such as 127.0.0.1:8000 or [::1]:8000, the port from 0 to 65535" +
         Got(text);
}

std::string ToString(const Listen& listen) {
  const bool ipv6 = absl::StrContains(listen.host, ':');
  return absl::StrCat(ipv6 ? "[" : "", listen.host, ipv6 ? "]:" : ":", listen.port);
}

bool IsLoopback(const Listen& listen) {
  if (listen.host == "localhost" || absl::StartsWith(listen.host, "127.")) return true;
  in6_addr address{};
  return inet_pton(AF_INET6, listen.host.c_str(), &address) == 1 && IN6_IS_ADDR_LOOPBACK(&address);
}

std::string NotUserId(const std::string& text) {
  const auto allowed = [](unsigned char c) { return c > 0x20 && c != 0x7F; };
  if (!text.empty() && text.size() <= kMostUserIdBytes && Only(text, allowed) &&
      utf8::IsValid(text)) {
    return "";
  }
  return "expected a user_id of 1 to 128 bytes of UTF-8 without white space, or *" + Got(text);
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const auto failed = [](int error) {
    return absl::InvalidArgumentError(
        error == ENOENT ? "no such file" : absl::StrCat("cannot be read: ", strerror(error)));
  };
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (file == nullptr) return failed(errno);
  std::string text(kMostFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return failed(errno);
  if (text.size() > kMostFileBytes) return absl::InvalidArgumentError("larger than 1 MiB");
  if (absl::StartsWith(text, "\xEF\xBB\xBF")) text.erase(0, 3);
  return text;
}

}  // namespace luna::config
