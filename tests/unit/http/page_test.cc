#include "server/http/page.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "server/auth/tokens.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/http/echo_server.h"

namespace luna::http {
namespace {

constexpr char kIndex[] = "<!doctype html><title>루나</title>";

Page Written() {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "index.html") << kIndex;
  std::ofstream(folder / "app.js") << "export {};";
  std::ofstream(folder / "style.css") << "p {}";
  std::ofstream(folder / "icon.svg") << "<svg/>";
  std::ofstream(folder / "README.md") << "# read me";
  std::filesystem::create_directory(folder / "below.js");
  absl::StatusOr<Page> page = Page::Read(folder.path());
  EXPECT_TRUE(page.ok()) << page.status();
  return page.ok() ? *std::move(page) : Page();
}

TEST(PageTest, HoldsWhatABrowserAsksFor) {
  const Page page = Written();
  const auto type = [&](const std::string& path) {
    const Page::File* file = page.Find(path);
    return file == nullptr ? "nothing" : file->type;
  };
  EXPECT_EQ(type("/"), "text/html; charset=utf-8");
  EXPECT_EQ(type("/app.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(type("/style.css"), "text/css; charset=utf-8");
  EXPECT_EQ(type("/icon.svg"), "image/svg+xml; charset=utf-8");
  for (const char* path : {"", "app.js", "/index.html", "/README.md", "/below.js", "//app.js",
                           "/./app.js", "/../README.md", "/%61pp.js", "/APP.js"}) {
    EXPECT_EQ(type(path), "nothing") << path;
  }
  EXPECT_EQ(page.Find("/")->bytes, kIndex);
}

TEST(PageTest, NamesTheFileThatIsMissing) {
  const test::TemporaryFolder folder;
  const auto missing = [](const std::string& path) {
    return std::string(Page::Read(path).status().message());
  };
  EXPECT_EQ(missing(folder.path()), folder / "index.html: no such file");
  EXPECT_EQ(missing(folder / "none"), folder / "none/index.html: no such file");
}

TEST(PageTest, ItsTagIsThatOfItsBytes) {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "index.html") << "one";
  const std::string one = Page::Read(folder.path())->Find("/")->etag;
  EXPECT_EQ(Page::Read(folder.path())->Find("/")->etag, one);
  std::ofstream(folder / "index.html") << "two";
  EXPECT_NE(Page::Read(folder.path())->Find("/")->etag, one);
}

TEST(PageTest, KnowsItsTagInAList) {
  const Page::File file{"", "\"a\"", ""};
  for (const char* list : {"\"a\"", "W/\"a\"", "\"b\", \"a\"", "\"b\",W/\"a\" ", "*"}) {
    EXPECT_TRUE(file.IsIn(list)) << list;
  }
  for (const char* list : {"", "\"b\"", "a", "\"aa\"", "W/"}) EXPECT_FALSE(file.IsIn(list)) << list;
}

class ServedPage : public HttpServerTest {
 protected:
  explicit ServedPage(const auth::Tokens* tokens = nullptr)
      : HttpServerTest({}, tokens, Written()) {}

  std::string Request(const std::string& method, const std::string& path,
                      const std::string& fields = "") {
    return method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
  }
};

TEST_F(ServedPage, StandsAtTheRoot) {
  Client client(server_->address());
  client.Send(Request("GET", "/?lang=ko"));
  const auto response = client.Read();
  EXPECT_EQ(response.result_int(), 200u);
  EXPECT_EQ(response.body(), kIndex);
  EXPECT_EQ(response["Content-Type"], "text/html; charset=utf-8");
  EXPECT_EQ(response["Content-Security-Policy"], kPagePolicy);
  EXPECT_EQ(response["X-Content-Type-Options"], "nosniff");
  EXPECT_EQ(response["Referrer-Policy"], "no-referrer");
  EXPECT_EQ(response["Cache-Control"], "no-cache");
}

TEST_F(ServedPage, IsNotSentAgainToWhoHasIt) {
  Client client(server_->address());
  client.Send(Request("GET", "/app.js"));
  const std::string etag(client.Read()["ETag"]);
  for (const std::string method : {"GET", "HEAD"}) {
    client.Send(Request(method, "/app.js", "If-None-Match: " + etag + "\r\n"));
    const auto response = client.Read();
    EXPECT_EQ(response.result_int(), 304u);
    EXPECT_EQ(response.body(), "");
    EXPECT_EQ(response["ETag"], etag);
    EXPECT_EQ(response["Content-Security-Policy"], kPagePolicy);
    EXPECT_EQ(response.count("Content-Length"), 0u);
  }
  client.Send(Request("GET", "/style.css", "If-None-Match: " + etag + "\r\n"));
  EXPECT_EQ(client.Read().result_int(), 200u);
}

TEST_F(ServedPage, HasHeadAndOptionsAndNoMore) {
  Client client(server_->address());
  client.Send(Request("HEAD", "/"));
  const auto head = client.ReadHead();
  EXPECT_EQ(head.result_int(), 200u);
  EXPECT_EQ(head["Content-Length"], std::to_string(sizeof kIndex - 1));
  client.Send(Request("OPTIONS", "/"));
  EXPECT_EQ(client.Read()["Allow"], "GET, HEAD");
  client.Send(Post("/", "{}"));
  const auto post = client.Read();
  EXPECT_EQ(post.result_int(), 405u);
  EXPECT_EQ(post["Allow"], "GET, HEAD");
}

TEST_F(ServedPage, LeadsNowhereElse) {
  Client client(server_->address());
  for (const char* path : {"/README.md", "/../README.md", "/%2e%2e/README.md", "/./app.js",
                           "//etc/passwd", "/below.js", "/index.html"}) {
    client.Send(Request("GET", path));
    EXPECT_EQ(client.Read().result_int(), 404u) << path;
  }
}

TEST_F(ServedPage, IsRefusedToAForeignHostOrOrigin) {
  Client client(server_->address());
  client.Send("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 403u);
  client.Send(Request("GET", "/", "Origin: https://evil.example\r\n"));
  EXPECT_EQ(client.Read().result_int(), 403u);
  client.Send(Request("GET", "/app.js", "Origin: http://localhost\r\n"));
  EXPECT_EQ(client.Read().result_int(), 200u);
}

class PageBesideTokens : public ServedPage {
 protected:
  PageBesideTokens() : ServedPage(&tokens_) {}
  static inline const auth::Tokens tokens_{{{std::string(32, 'x'), "alice"}}};
};

TEST_F(PageBesideTokens, NeedsNone) {
  Client client(server_->address());
  client.Send(Request("GET", "/"));
  const auto page = client.Read();
  EXPECT_EQ(page.result_int(), 200u);
  EXPECT_EQ(page["Content-Security-Policy"], kPagePolicy);
  client.Send(Request("GET", "/echo"));
  EXPECT_EQ(client.Read().result_int(), 401u);
}

TEST_F(HttpServerTest, WithoutAPageTheRootIsNoPath) {
  Client client(server_->address());
  client.Send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 404u);
}

}  // namespace
}  // namespace luna::http
