#include "server/http/request_parser.h"

#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace luna::http {
namespace {

using State = RequestParser::State;
using testing::HasSubstr;

constexpr std::size_t kKib = 1024;

void Append(boost::beast::flat_buffer& buffer, const std::string& bytes) {
  buffer.commit(boost::asio::buffer_copy(buffer.prepare(bytes.size()), boost::asio::buffer(bytes)));
}

std::string Rest(const boost::beast::flat_buffer& buffer) {
  return std::string(static_cast<const char*>(buffer.cdata().data()), buffer.size());
}

// 200 for a request that is taken, 0 for one that is not whole.
int StatusOf(const RequestParser& parser) {
  if (parser.state() == State::kRefused) return parser.status();
  return parser.state() == State::kDone ? 200 : 0;
}

int StatusAtOnce(const std::string& bytes) {
  RequestParser parser;
  boost::beast::flat_buffer buffer;
  Append(buffer, bytes);
  parser.Feed(buffer);
  return StatusOf(parser);
}

int StatusByteByByte(const std::string& bytes) {
  RequestParser parser;
  boost::beast::flat_buffer buffer;
  for (const char byte : bytes) {
    Append(buffer, std::string(1, byte));
    const State state = parser.Feed(buffer);
    if (state == State::kDone || state == State::kRefused) break;
  }
  return StatusOf(parser);
}

struct Shape {
  std::string name;
  std::string bytes;
  int status;
};

void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }

const std::string kGet = "GET / HTTP/1.1\r\nHost: localhost\r\n";
const std::string kPost = "POST / HTTP/1.1\r\nHost: localhost\r\n";
const std::string kChunked = kPost + "Transfer-Encoding: chunked\r\n\r\n";

std::string Fields(int count) {
  std::string fields;
  for (int i = 0; i < count; ++i) fields += "X: 1\r\n";
  return fields;
}

// A GET whose header is `size` bytes long.
std::string HeaderOf(std::size_t size) {
  const std::string start = kGet + "X: ";
  return start + std::string(size - start.size() - 4, 'a') + "\r\n\r\n";
}

std::vector<Shape> Shapes() {
  using namespace std::string_literals;  // NOLINT: for NUL
  return {
      {"Plain", kGet + "\r\n", 200},
      {"EmptyLineBefore", "\r\n" + kGet + "\r\n", 200},
      {"EmptyLinesBefore", "\r\n\r\n" + kGet + "\r\n", 400},
      {"Length", kPost + "Content-Length: 2\r\n\r\nhi", 200},
      {"LengthWithoutBody", kPost + "Content-Length: 2\r\n\r\nh", 0},
      {"Chunks", kChunked + "2\r\nhi\r\nA;a=\"b\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", 200},
      {"ChunksWithoutEnd", kChunked + "2\r\nhi\r\n0\r\n", 0},
      {"Http10WithoutHost", "GET / HTTP/1.0\r\n\r\n", 200},
      {"TabsAndHighBytes", kGet + "X:\t\xEA\xB0\x80\t1\r\n\r\n", 200},

      {"LengthBesideChunked",
       kPost + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"ChunkedBesideLength",
       kPost + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", 400},
      {"LengthTwice", kPost + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", 400},
      {"LengthsThatDiffer", kPost + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!", 400},
      {"LengthList", kPost + "Content-Length: 2, 2\r\n\r\nhi", 400},
      {"LengthNegative", kPost + "Content-Length: -2\r\n\r\nhi", 400},
      {"LengthWithSign", kPost + "Content-Length: +2\r\n\r\nhi", 400},
      {"LengthInHex", kPost + "Content-Length: 0x2\r\n\r\nhi", 400},
      {"LengthWithComma", kPost + "Content-Length: 2,\r\n\r\nhi", 400},
      {"LengthEmpty", kPost + "Content-Length:\r\n\r\nhi", 400},
      {"LengthOverflow", kPost + "Content-Length: 18446744073709551618\r\n\r\nhi", 400},

      {"EncodingIdentity", kPost + "Transfer-Encoding: identity\r\n\r\n", 400},
      {"EncodingUnknown", kPost + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
      {"EncodingBeforeChunked", kPost + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
      {"EncodingAfterChunked", kPost + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400},
      {"EncodingTwice",
       kPost + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"EncodingHidden",
       kPost + "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"EncodingEmpty", kPost + "Transfer-Encoding:\r\n\r\n", 400},
      {"EncodingInHttp10",
       "POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},

      {"ChunkSizeRubbish", kChunked + "xyz\r\nhi\r\n0\r\n\r\n", 400},
      {"ChunkSizeNegative", kChunked + "-2\r\nhi\r\n0\r\n\r\n", 400},
      {"ChunkSizeWithPrefix", kChunked + "0x2\r\nhi\r\n0\r\n\r\n", 400},
      {"ChunkSizeWithSpace", kChunked + " 2\r\nhi\r\n0\r\n\r\n", 400},
      {"ChunkSizeOverflow", kChunked + "10000000000000002\r\nhi\r\n0\r\n\r\n", 400},
      {"ChunkSizeEmpty", kChunked + "\r\nhi\r\n0\r\n\r\n", 400},
      {"ChunkLongerThanItsSize", kChunked + "2\r\nhi!\r\n0\r\n\r\n", 400},
      {"ChunkLineEndsInLf", kChunked + "2\nhi\r\n0\r\n\r\n", 400},
      {"ChunkExtensionRubbish", kChunked + "2 x\r\nhi\r\n0\r\n\r\n", 400},
      {"ChunkExtensionTooLong", kChunked + "2;" + std::string(17 * kKib, 'a'), 400},
      {"TrailersTooLong", kChunked + "0\r\nX: " + std::string(17 * kKib, 'a'), 400},
      {"TrailerWithLength", kChunked + "0\r\nContent-Length: 5\r\n\r\n", 400},

      {"Folded", kGet + "X: 1\r\n 2\r\n\r\n", 400},
      {"FoldedWithTab", kGet + "X: 1\r\n\t2\r\n\r\n", 400},
      {"FoldedFirst", "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", 400},
      {"FoldedLength", kPost + "Content-Length:\r\n 2\r\n\r\nhi", 400},
      {"SpaceBeforeColon", kPost + "Content-Length : 2\r\n\r\nhi", 400},
      {"TabBeforeColon", kPost + "Content-Length\t: 2\r\n\r\nhi", 400},
      {"NoColon", kGet + "X\r\n\r\n", 400},
      {"NoName", kGet + ": 1\r\n\r\n", 400},
      {"BareCr", kGet + "X: 1\r2\r\n\r\n", 400},
      {"BareLf", kGet + "X: 1\nY: 2\r\n\r\n", 400},
      {"LinesEndInLf", "GET / HTTP/1.1\nHost: localhost\n\n", 400},
      {"Nul", kGet + "X: 1\0002\r\n\r\n"s, 400},
      {"NulInTarget", "GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n"s, 400},
      {"ControlCharacter", kGet + "X: \x0B\r\n\r\n", 400},
      {"Delete", kGet + "X: \x7F\r\n\r\n", 400},

      {"NoHost", "GET / HTTP/1.1\r\n\r\n", 400},
      {"HostTwice", kGet + "Host: localhost\r\n\r\n", 400},
      {"HostTwiceInHttp10", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"HostWithUser", "GET / HTTP/1.1\r\nHost: a@localhost\r\n\r\n", 400},
      {"HostWithSpace", "GET / HTTP/1.1\r\nHost: local host\r\n\r\n", 400},
      {"HostWithPath", "GET / HTTP/1.1\r\nHost: localhost/a\r\n\r\n", 400},
      {"OriginTwice", kGet + "Origin: http://a\r\nOrigin: http://b\r\n\r\n", 400},
      {"ContentTypeTwice", kGet + "Content-Type: a/b\r\nContent-Type: a/c\r\n\r\n", 400},

      {"Tls", "\x16\x03\x01\x02", 400},
      {"Http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"Http09", "GET /\r\n\r\n", 400},
      {"NoVersion", "GET / HT\r\n\r\n", 400},
      {"TwoSpaces", "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},

      {"Expectation", kGet + "Expect: something\r\n\r\n", 417},
      {"ExpectationNotNeeded", kGet + "Expect: 100-Continue\r\n\r\n", 200},
      {"HeaderOf16Kib", HeaderOf(16 * kKib), 200},
      {"HeaderOver16Kib", HeaderOf(16 * kKib + 1), 431},
      {"HeaderWithoutEnd", kGet + "X: " + std::string(64 * kKib, 'a'), 431},
      {"TargetOver16Kib", "GET /" + std::string(17 * kKib, 'a'), 431},
      {"Fields100", kGet + Fields(99) + "\r\n", 200},
      {"Fields101", kGet + Fields(100) + "\r\n", 431},
      {"BodyTooLong", kPost + "Content-Length: 262145\r\n\r\n", 413},
      {"ChunkTooLong", kChunked + "40001\r\n", 413},
  };
}

class RequestShapeTest : public testing::TestWithParam<Shape> {};

TEST_P(RequestShapeTest, HasItsStatus) {
  EXPECT_EQ(StatusAtOnce(GetParam().bytes), GetParam().status);
}

TEST_P(RequestShapeTest, HasItsStatusByteByByte) {
  EXPECT_EQ(StatusByteByByte(GetParam().bytes), GetParam().status);
}

INSTANTIATE_TEST_SUITE_P(Http, RequestShapeTest, testing::ValuesIn(Shapes()),
                         [](const auto& info) { return info.param.name; });

TEST(RequestParserTest, ReadsARequestAndLeavesWhatFollows) {
  const std::string request = kChunked + "2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n";
  for (std::size_t split = 0; split <= request.size(); ++split) {
    RequestParser parser;
    boost::beast::flat_buffer buffer;
    Append(buffer, request.substr(0, split));
    parser.Feed(buffer);
    Append(buffer, request.substr(split) + "GET /next");
    ASSERT_EQ(parser.Feed(buffer), State::kDone);
    EXPECT_EQ(parser.request().body(), "hi!");
    EXPECT_EQ(Rest(buffer), "GET /next");
    ASSERT_EQ(parser.Feed(buffer), State::kDone);
    EXPECT_EQ(Rest(buffer), "GET /next");
  }
}

TEST(RequestParserTest, HoldsNoMoreThanOneChunkLine) {
  RequestParser parser;
  boost::beast::flat_buffer buffer;
  Append(buffer, kChunked);
  for (int i = 0; i < 100; ++i) {
    Append(buffer, "400\r\n" + std::string(kKib, 'a') + "\r\n");
    ASSERT_EQ(parser.Feed(buffer), State::kBody);
    EXPECT_LE(buffer.size(), 2u);
  }
}

TEST(RequestParserTest, AFileMayBeLonger) {
  const auto status = [](bool file, std::size_t size, bool chunked) {
    RequestParser parser([file](const Request& request) {
      EXPECT_EQ(request.target(), "/");
      return file;
    });
    boost::beast::flat_buffer buffer;
    const std::string body(size, 'x');
    std::ostringstream bytes;
    bytes << kPost;
    if (chunked) {
      bytes << "Transfer-Encoding: chunked\r\n\r\n" << std::hex << size << "\r\n" << body;
      bytes << "\r\n0\r\n\r\n";
    } else {
      bytes << "Content-Length: " << size << "\r\n\r\n" << body;
    }
    Append(buffer, bytes.str());
    parser.Feed(buffer);
    return StatusOf(parser);
  };
  for (const bool chunked : {false, true}) {
    EXPECT_EQ(status(false, 256 << 10, chunked), 200);
    EXPECT_EQ(status(false, (256 << 10) + 1, chunked), 413);
    EXPECT_EQ(status(true, 16 << 20, chunked), 200);
    EXPECT_EQ(status(true, (16 << 20) + 1, chunked), 413);
  }
}

TEST(RequestParserTest, SaysWhatIsWrong) {
  RequestParser parser;
  boost::beast::flat_buffer buffer;
  Append(buffer, kPost + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi");
  parser.Feed(buffer);
  EXPECT_THAT(std::string(parser.error().message()), HasSubstr("Content-Length: more than one"));
}

TEST(RequestParserTest, KnowsWhoWaitsForAContinue) {
  const auto expects = [](const std::string& bytes) {
    RequestParser parser;
    boost::beast::flat_buffer buffer;
    Append(buffer, bytes);
    parser.Feed(buffer);
    return parser.expects_continue();
  };
  const std::string fields = "Host: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  EXPECT_TRUE(expects("POST / HTTP/1.1\r\n" + fields));
  EXPECT_FALSE(expects("POST / HTTP/1.1\r\n" + fields + "hi"));
  EXPECT_FALSE(expects("POST / HTTP/1.0\r\n" + fields));
  EXPECT_FALSE(expects(kPost + "Content-Length: 2\r\n\r\n"));
}

}  // namespace
}  // namespace luna::http
