#include "tests/bench/load/grpc_connection.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace luna::bench {
namespace {

constexpr std::size_t kPrefix = 5;  // a flag and the message's length, before each message
constexpr std::int32_t kWindow = 64 << 20;

std::string_view View(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

GrpcConnection& Self(void* user) { return *static_cast<GrpcConnection*>(user); }

int OnData(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
           std::size_t size, void* user) {
  Self(user).OnData(id, View(data, size));
  return 0;
}

int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
             std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
             void* user) {
  Self(user).OnHeader(frame->hd.stream_id, View(name, name_size), View(value, value_size));
  return 0;
}

int OnClose(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
  Self(user).OnClose(id, error);
  return 0;
}

nghttp2_session* MakeSession(GrpcConnection* connection) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnData);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, OnClose);
  nghttp2_session* session = nullptr;
  nghttp2_session_client_new(&session, callbacks, connection);
  nghttp2_session_callbacks_del(callbacks);
  return session;
}

ssize_t ReadBody(nghttp2_session*, std::int32_t, std::uint8_t* buffer, std::size_t size,
                 std::uint32_t* flags, nghttp2_data_source* source, void*) {
  const auto& body = *static_cast<const std::string*>(source->ptr);
  if (size < body.size()) return NGHTTP2_ERR_CALLBACK_FAILURE;
  std::memcpy(buffer, body.data(), body.size());
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(body.size());
}

nghttp2_nv Header(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

// Throws upon what nghttp2 says is an error.
void Check(ssize_t result) {
  if (result < 0) throw std::runtime_error(nghttp2_strerror(static_cast<int>(result)));
}

std::uint64_t Varint(std::string_view* bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; !bytes->empty() && shift < 64; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(bytes->front());
    bytes->remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return value;
}

// Which field of InteractResponse's oneof, 3 to 7, a message holds; 0: none.
std::uint64_t EventOf(std::string_view message) {
  while (!message.empty()) {
    const std::uint64_t key = Varint(&message);
    if (key >> 3 >= 3) return key >> 3;
    const std::uint64_t value = Varint(&message);
    if ((key & 7) == 2) message.remove_prefix(std::min<std::size_t>(value, message.size()));
  }
  return 0;
}

}  // namespace

GrpcConnection::GrpcConnection(Load& load, int source, std::vector<Stream*> streams)
    : Connection(std::move(streams)), load_(load), source_(source) {
  const std::string& message = load_.plan().body;
  request_.push_back('\0');
  for (int shift = 24; shift >= 0; shift -= 8) {
    request_.push_back(static_cast<char>(message.size() >> shift & 0xff));
  }
  request_ += message;
}

GrpcConnection::~GrpcConnection() { nghttp2_session_del(session_); }

void GrpcConnection::Connect() {
  socket_ = std::make_unique<Socket>(load_.plan().address, source_);
  session_ = MakeSession(this);
  const std::array<nghttp2_settings_entry, 2> settings = {
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow}}};
  Check(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()));
  Check(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindow));
}

void GrpcConnection::Start(Stream& stream, Nanos now) {
  load_.record().Begun(stream, now);
  Submit(stream);
  Send();
}

void GrpcConnection::Submit(Stream& stream) {
  load_.Number(request_);
  static const std::array<nghttp2_nv, 6> headers = {
      Header(":method", "POST"),
      Header(":scheme", "http"),
      Header(":path", "/luna.v1.InteractionService/Interact"),
      Header(":authority", "localhost"),
      Header("te", "trailers"),
      Header("content-type", "application/grpc")};
  nghttp2_data_provider body{};
  body.source.ptr = &request_;
  body.read_callback = ReadBody;
  Check(nghttp2_submit_request(session_, nullptr, headers.data(), headers.size(), &body, &stream));
}

void GrpcConnection::Ready(Nanos now, bool closing) {
  now_ = now;
  while (true) {
    bool ended = false;
    const std::string_view bytes = socket_->Read(load_.buffer(), load_.buffer_size(), &ended);
    if (ended) throw std::runtime_error("the server closed the connection");
    if (bytes.empty()) break;
    Check(nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                   bytes.size()));
    if (bytes.size() < load_.buffer_size() && !closing) break;
  }
  for (Stream* stream : again_) {
    load_.record().Begun(*stream, Now());
    Submit(*stream);
  }
  again_.clear();
  Send();
}

void GrpcConnection::Send() {
  if (!socket_->Flush()) return;
  std::string out;
  while (true) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    Check(size);
    if (size == 0) break;
    out += View(bytes, static_cast<std::size_t>(size));
  }
  if (!out.empty()) socket_->Write(out);
}

void GrpcConnection::OnData(std::int32_t id, std::string_view bytes) {
  auto* stream = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_, id));
  if (stream->carry.empty()) return Messages(*stream, bytes);
  const std::string joined = std::exchange(stream->carry, std::string()).append(bytes);
  Messages(*stream, joined);
}

void GrpcConnection::Messages(Stream& stream, std::string_view bytes) {
  while (bytes.size() >= kPrefix) {
    std::size_t size = 0;
    for (std::size_t i = 1; i < kPrefix; ++i) {
      size = size << 8 | static_cast<std::uint8_t>(bytes[i]);
    }
    if (bytes.size() < kPrefix + size) break;
    Message(stream, bytes.substr(kPrefix, size));
    bytes.remove_prefix(kPrefix + size);
  }
  stream.carry = bytes;
}

void GrpcConnection::Message(Stream& stream, std::string_view message) {
  switch (EventOf(message)) {
    case 3:
    case 4:
      return;
    case 5:
      return load_.Frame(stream, now_);
    case 6:
      return load_.record().Terminal(stream, true, now_);
    default:
      return load_.record().Terminal(stream, false, now_);
  }
}

void GrpcConnection::OnHeader(std::int32_t id, std::string_view name, std::string_view value) {
  const auto& stream = *static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_, id));
  const bool bad = (name == ":status" && value != "200") || (name == "grpc-status" && value != "0");
  if (bad) load_.record().Failed(stream, std::string(name) + " " + std::string(value));
}

void GrpcConnection::OnClose(std::int32_t id, std::uint32_t error) {
  auto& stream = *static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_, id));
  // NO_ERROR in RST_STREAM: a server that has answered in full wants no more of the request.
  if (error != NGHTTP2_NO_ERROR) {
    load_.record().Failed(stream, "RST_STREAM " + std::to_string(error));
  }
  if (load_.Ended(stream, now_)) again_.push_back(&stream);
}

}  // namespace luna::bench
