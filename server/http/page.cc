#include "server/http/page.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include "server/base/sha256.h"

namespace luna::http {

namespace fs = std::filesystem;

namespace {

// By the name's extension.
const std::map<std::string, std::string> kTypes = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".svg", "image/svg+xml; charset=utf-8"},
};

}  // namespace

absl::StatusOr<Page> Page::Read(const std::string& folder) {
  Page page;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const auto type = kTypes.find(entry.path().extension());
    std::error_code gone;
    if (type == kTypes.end() || !entry.is_regular_file(gone)) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    if (!in) continue;
    std::string etag =
        absl::StrCat("\"", absl::BytesToHexString(Sha256(bytes)).substr(0, 16), "\"");
    const std::string name = entry.path().filename();
    page.files_["/" + name] = {type->second, std::move(etag), std::move(bytes)};
  }
  auto index = page.files_.extract("/index.html");
  if (!index) {
    return absl::NotFoundError(
        absl::StrCat((fs::path(folder) / "index.html").string(), ": no such file"));
  }
  index.key() = std::string("/");  // not "/": a false -Wrestrict of g++ 12 at -O2
  page.files_.insert(std::move(index));
  return page;
}

const Page::File* Page::Find(std::string_view path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : &found->second;
}

bool Page::File::IsIn(std::string_view if_none_match) const {
  const absl::string_view list(if_none_match.data(), if_none_match.size());
  for (absl::string_view tag : absl::StrSplit(list, ',')) {
    tag = absl::StripAsciiWhitespace(tag);
    absl::ConsumePrefix(&tag, "W/");
    if (tag == etag || tag == "*") return true;
  }
  return false;
}

}  // namespace luna::http
