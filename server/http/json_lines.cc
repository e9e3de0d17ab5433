#include "server/http/json_lines.h"

#include <utility>

#include "server/http/json.h"

namespace luna::http {

JsonLines::JsonLines(boost::asio::ip::tcp::socket& socket, Options options)
    : BodyWriter(socket, "application/x-ndjson", std::move(options)) {}

void JsonLines::Put(const google::protobuf::Message& message) { Write(ToJson(message) + "\n"); }

}  // namespace luna::http
