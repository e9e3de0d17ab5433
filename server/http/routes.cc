#include "server/http/routes.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <boost/url/decode_view.hpp>
#include <boost/url/pct_string_view.hpp>

#include "google/api/annotations.pb.h"

namespace luna::http {
namespace {

using google::protobuf::MethodDescriptor;

bool IsVariable(const std::string& segment) { return segment.front() == '{'; }

std::string NameOf(const std::string& variable) { return variable.substr(1, variable.size() - 2); }

std::vector<std::string> Segments(std::string_view path) {
  std::vector<std::string> segments =
      absl::StrSplit(absl::string_view(path.data(), path.size()), '/');
  segments.erase(segments.begin());  // before the leading slash
  return segments;
}

std::pair<std::string, std::string> MethodAndPath(const google::api::HttpRule& rule) {
  switch (rule.pattern_case()) {
    case google::api::HttpRule::kGet:
      return {"GET", rule.get()};
    case google::api::HttpRule::kPut:
      return {"PUT", rule.put()};
    case google::api::HttpRule::kPost:
      return {"POST", rule.post()};
    case google::api::HttpRule::kDelete:
      return {"DELETE", rule.delete_()};
    case google::api::HttpRule::kPatch:
      return {"PATCH", rule.patch()};
    default:
      throw std::invalid_argument("google.api.http: no method and path");
  }
}

void CheckResponseBody(const MethodDescriptor& method, const std::string& name) {
  if (name.empty()) return;
  const auto* field = method.output_type()->FindFieldByName(name);
  if (field == nullptr || field->message_type() == nullptr || field->is_repeated()) {
    throw std::invalid_argument("google.api.http: response_body: no message: " + name);
  }
}

std::optional<std::string> Decode(const std::string& segment) {
  const auto encoded = boost::urls::make_pct_string_view(segment);
  if (!encoded) return std::nullopt;
  const boost::urls::decode_view decoded(*encoded);
  return std::string(decoded.begin(), decoded.end());
}

// The variables of `path`, or nothing where it is not of this pattern.
std::optional<std::map<std::string, std::string>> Fit(const std::vector<std::string>& pattern,
                                                      const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  std::map<std::string, std::string> variables;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto decoded = Decode(path[i]);
    if (!decoded) return std::nullopt;
    if (!IsVariable(pattern[i])) {
      if (pattern[i] != *decoded) return std::nullopt;
    } else if (decoded->empty()) {
      return std::nullopt;
    } else {
      variables[NameOf(pattern[i])] = *decoded;
    }
  }
  return variables;
}

// Whether each variable that has to be a number is one.
bool CanBe(const MethodDescriptor& method, const std::map<std::string, std::string>& variables) {
  return std::all_of(variables.begin(), variables.end(), [&](const auto& variable) {
    const auto* field = method.input_type()->FindFieldByName(variable.first);
    int number = 0;
    return field == nullptr || field->type() != google::protobuf::FieldDescriptor::TYPE_INT32 ||
           absl::SimpleAtoi(variable.second, &number);
  });
}

}  // namespace

Routes::Routes(const std::vector<const google::protobuf::ServiceDescriptor*>& services) {
  for (const auto* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      const MethodDescriptor* method = service->method(i);
      if (!method->options().HasExtension(google::api::http)) continue;
      const google::api::HttpRule& rule = method->options().GetExtension(google::api::http);
      const auto add = [&](const google::api::HttpRule& one) {
        CheckResponseBody(*method, one.response_body());
        auto [http_method, path] = MethodAndPath(one);
        const auto* body = method->input_type()->FindFieldByName(one.body());
        const bool takes_file =
            body != nullptr && body->type() == google::protobuf::FieldDescriptor::TYPE_BYTES;
        Add(http_method, path, Route{method, one.body(), one.response_body(), takes_file});
      };
      add(rule);
      for (const google::api::HttpRule& other : rule.additional_bindings()) add(other);
    }
  }
  const auto variables = [](const Pattern& pattern) {
    return std::count_if(pattern.segments.begin(), pattern.segments.end(), IsVariable);
  };
  std::stable_sort(patterns_.begin(), patterns_.end(),
                   [&](const Pattern& a, const Pattern& b) { return variables(a) < variables(b); });
}

void Routes::Add(const std::string& http_method, const std::string& path_template, Route route) {
  const std::vector<std::string> segments = Segments(path_template);
  for (const std::string& segment : segments) {
    const bool literal = segment.find_first_of("{}*:=") == std::string::npos;
    const bool variable = segment.size() > 2 && segment.front() == '{' && segment.back() == '}' &&
                          segment.find_first_of("{}*:=", 1) == segment.size() - 1;
    if (segment.empty() || (!literal && !variable)) {
      throw std::invalid_argument("google.api.http: not supported: " + path_template);
    }
  }
  for (const Pattern& known : patterns_) {
    if (known.http_method == http_method && known.segments == segments) {
      throw std::invalid_argument("google.api.http: twice: " + http_method + " " + path_template);
    }
  }
  patterns_.push_back({http_method, segments, std::move(route)});
}

Match Routes::Find(std::string_view http_method, std::string_view path) const {
  Match match;
  if (path.empty() || path.front() != '/') return match;
  const std::vector<std::string> segments = Segments(path);
  bool literal = false;
  for (const Pattern& pattern : patterns_) {
    auto variables = Fit(pattern.segments, segments);
    if (!variables || (literal && !CanBe(*pattern.route.method, *variables))) continue;
    literal = literal || variables->empty();
    if (pattern.http_method == http_method) {
      match.route = &pattern.route;
      match.variables = *std::move(variables);
      return match;
    }
    match.allowed.push_back(pattern.http_method);
  }
  return match;
}

}  // namespace luna::http
