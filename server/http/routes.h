#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/descriptor.h>

namespace luna::http {

struct Route {
  const google::protobuf::MethodDescriptor* method = nullptr;
  // As google.api.HttpRule.body: "*", a field's name, or nothing for a request without a body.
  std::string body;
  // As google.api.HttpRule.response_body: the field that the response is, or nothing for all of it.
  std::string response_body{};
  // `body` names a field of bytes: the body is a file, which becomes the field as it is.
  bool takes_file = false;
};

// One HTTP form: what a request's method and path have to be.
struct Pattern {
  std::string http_method;
  std::vector<std::string> segments;  // a variable is "{name}"
  Route route;
};

// The media types that a body may have which is a file; any other body is JSON.
inline constexpr std::array<const char*, 3> kFileTypes{"application/x-ndjson", "application/json",
                                                       "text/plain"};

// What a request's method and path lead to.
struct Match {
  const Route* route = nullptr;                  // nothing: see `allowed`
  std::map<std::string, std::string> variables;  // of the path, percent-decoded
  std::vector<std::string> allowed;  // the methods that the path has; empty: there is no such path
};

// The HTTP forms of RPCs, read from their google.api.http annotations: literal segments and
// {field}, which takes one segment. Immutable, so any thread may read it.
class Routes {
 public:
  // An RPC without an annotation has no HTTP form. Throws std::invalid_argument where an annotation
  // uses what is not supported, or where two routes are the same.
  explicit Routes(const std::vector<const google::protobuf::ServiceDescriptor*>& services);

  // `path` is percent-encoded and has no query. Literal segments beat variables. What a literal
  // path fits, though not with this method, is no variable that has to be a number: GET
  // /memory/conversations/search is 405, not a bad id.
  Match Find(std::string_view http_method, std::string_view path) const;

  // All of them, those with the fewest variables first.
  const std::vector<Pattern>& patterns() const { return patterns_; }

 private:
  void Add(const std::string& http_method, const std::string& path_template, Route route);

  std::vector<Pattern> patterns_;
};

}  // namespace luna::http
