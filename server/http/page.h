#pragma once

#include <map>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace luna::http {

// The page for people that HTTP serves at `/`: the files of one folder, in memory. No path can lead
// out of it, since only what was read is served, under its own name. Immutable, so any thread may
// read it.
class Page {
 public:
  struct File {
    std::string type;  // Content-Type
    std::string etag;  // with its quotes; another one once the bytes are others
    std::string bytes;

    // Whether a client that has what `if_none_match` lists, a field's value, has this one (RFC 9110
    // section 13.1.2).
    bool IsIn(std::string_view if_none_match) const;
  };

  // A page without files: every path is another's.
  Page() = default;

  // Reads what a browser asks for: .html, .css, .js and .svg; nothing else and no folders below.
  // NOT_FOUND, with a message that names the file, if there is no index.html that can be read.
  // Blocks, so not on a loop's thread.
  static absl::StatusOr<Page> Read(const std::string& folder);

  // `/` is index.html, `/NAME` another file. Nothing for every other path.
  const File* Find(std::string_view path) const;

 private:
  std::map<std::string, File, std::less<>> files_;  // by path
};

// What the page may do: load and call what is of its own origin, and nothing else. Text can become
// neither script nor HTML (Trusted Types). https://www.w3.org/TR/CSP3/
inline constexpr char kPagePolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

}  // namespace luna::http
