#include "tests/support/fake_provider/script.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <absl/strings/escaping.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace luna::fake {
namespace {

namespace json = boost::json;

enum class Framing { kChunked, kClose, kNone };

std::string String(const json::value& value, const char* key) {
  if (!value.is_string()) throw std::invalid_argument(std::string(key) + ": expected a string");
  return std::string(value.get_string().c_str(), value.get_string().size());
}

std::int64_t Number(const json::value& value, const char* key) {
  if (!value.is_int64()) throw std::invalid_argument(std::string(key) + ": expected a number");
  return value.get_int64();
}

std::string Base64(const json::value& value, const char* key) {
  std::string bytes;
  if (!absl::Base64Unescape(String(value, key), &bytes)) {
    throw std::invalid_argument(std::string(key) + ": not base64");
  }
  return bytes;
}

void CheckKeys(const json::object& object, std::initializer_list<std::string_view> known) {
  for (const auto& entry : object) {
    const std::string_view key(entry.key().data(), entry.key().size());
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw std::invalid_argument("unknown key " + std::string(key));
    }
  }
}

struct Head {
  int status = 200;
  std::string fields;  // each with its CRLF
  bool has_content_type = false;
  Framing framing = Framing::kChunked;

  std::string Text(const char* content_type, const std::string& framing_field) const {
    std::string text = "HTTP/1.1 " + std::to_string(status) + " Fake\r\n" + fields;
    if (!has_content_type) text += std::string("Content-Type: ") + content_type + "\r\n";
    return text + framing_field + "\r\n";
  }
};

Head ParseHead(const json::object& script) {
  Head head;
  if (const auto* status = script.if_contains("status")) {
    head.status = static_cast<int>(Number(*status, "status"));
  }
  if (const auto* framing = script.if_contains("framing")) {
    const std::string name = String(*framing, "framing");
    if (name == "close") {
      head.framing = Framing::kClose;
    } else if (name == "none") {
      head.framing = Framing::kNone;
    } else if (name != "chunked") {
      throw std::invalid_argument("framing: " + name);
    }
  }
  if (const auto* headers = script.if_contains("headers")) {
    for (const auto& entry : headers->as_object()) {
      const std::string name(entry.key());
      head.fields += name + ": " + String(entry.value(), "headers") + "\r\n";
      head.has_content_type |= name == "Content-Type";
    }
  }
  return head;
}

std::string HttpChunk(std::string_view bytes) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + std::string(bytes) + "\r\n";
}

// Compiles the steps for one API, streaming or unary.
class Compiler {
 public:
  Compiler(Head head, Api api, bool stream, std::size_t split)
      : head_(std::move(head)), api_(api), stream_(stream), split_(split) {}

  Answer Compile(const json::array& steps) {
    for (const auto& step : steps) {
      if (!ended_) Add(step.as_object());
      ++step_;
    }
    step_ = std::max(0, step_ - 1);
    if (!ended_) End(Op::Kind::kFinish);
    return std::move(answer_);
  }

 private:
  static void Check(const json::object& step) {
    CheckKeys(step, {"text", "text_base64", "thought", "finish", "done", "blocked", "error",
                     "comment", "raw", "raw_base64", "send_headers", "pause_ms", "await", "end",
                     "api", "stream", "split", "repeat"});
  }

  void Add(const json::object& step) {
    Check(step);
    if (const auto* api = step.if_contains("api")) {
      const std::string name = String(*api, "api");
      if (name != "gemini" && name != "openai") throw std::invalid_argument("api: " + name);
      if ((name == "gemini") != (api_ == Api::kGemini)) return;
    }
    if (const auto* stream = step.if_contains("stream")) {
      if (!stream->is_bool()) throw std::invalid_argument("stream: expected true or false");
      if (stream->get_bool() != stream_) return;
    }
    const auto* repeat = step.if_contains("repeat");
    const auto* split = step.if_contains("split");
    repeat_ = repeat ? Number(*repeat, "repeat") : 1;
    step_split_ = split ? static_cast<std::size_t>(Number(*split, "split")) : split_;
    for (const auto& entry : step) AddEntry(std::string(entry.key()), entry.value());
  }

  void AddEntry(const std::string& key, const json::value& value) {
    if (key == "text") {
      Text(String(value, "text"));
    } else if (key == "text_base64") {
      Text(Base64(value, "text_base64"));
    } else if (key == "thought") {
      Framed(ThoughtFrame(api_, String(value, "thought")));
    } else if (key == "finish") {
      reason_ = String(value, "finish");
      Framed(FinishFrame(api_, reason_, tokens_));
    } else if (key == "done") {
      Framed(DoneFrame(api_));
    } else if (key == "blocked") {
      Blocked(String(value, "blocked"));
    } else if (key == "error") {
      Error(value);
    } else if (key == "comment") {
      if (stream_) Send(CommentLine(api_, String(value, "comment")));
    } else if (key == "raw") {
      Raw(String(value, "raw"));
    } else if (key == "raw_base64") {
      Raw(Base64(value, "raw_base64"));
    } else {
      AddControl(key, value);
    }
  }

  void AddControl(const std::string& key, const json::value& value) {
    if (key == "send_headers") {
      if (stream_) SendHead();
    } else if (key == "pause_ms") {
      Append(Op::Kind::kPause).pause = std::chrono::milliseconds(Number(value, "pause_ms"));
    } else if (key == "await") {
      Append(Op::Kind::kAwait).gate = String(value, "await");
    } else if (key == "end") {
      const std::string name = String(value, "end");
      if (name == "eof_chunk") return End(Op::Kind::kFinish);
      if (name == "close") return End(Op::Kind::kClose);
      if (name == "reset") return End(Op::Kind::kReset);
      if (name == "hang") return End(Op::Kind::kHang);
      throw std::invalid_argument("end: " + name);
    }
  }

  void Text(const std::string& text) {
    tokens_ += static_cast<int>(std::max<std::int64_t>(repeat_, 1));
    for (std::int64_t i = 0; i < repeat_ && !stream_; ++i) text_ += text;
    Framed(TextFrame(api_, text));
  }

  void Framed(const std::string& frame) {
    if (!stream_) return;
    if (!opened_) Send(OpeningFrame(api_), 1);
    opened_ = true;
    Send(frame);
  }

  void Raw(const std::string& bytes) {
    if (stream_) return Send(bytes);
    raw_ += bytes;
    has_raw_ = true;
  }

  void Blocked(const std::string& reason) {
    if (stream_) return Framed(BlockedFrame(api_, reason));
    if (api_ == Api::kOpenAi) {
      reason_ = "SAFETY";
    } else {
      Raw("{\"promptFeedback\": {\"blockReason\": \"" + reason + "\"}}");
    }
  }

  void Error(const json::value& error) {
    if (stream_) return Framed(ErrorFrame(api_, error));
    head_.status = static_cast<int>(Number(error.at("code"), "code"));
    Raw("{\"error\": " + json::serialize(error) + "}");
  }

  Op& Append(Op::Kind kind) {
    Op op;
    op.kind = kind;
    op.step = step_;
    return answer_.emplace_back(std::move(op));
  }

  void SendHead() {
    if (head_sent_) return;
    head_sent_ = true;
    if (head_.framing == Framing::kNone) return;
    const bool chunked = head_.framing == Framing::kChunked;
    Wire(head_.Text("text/event-stream",
                    chunked ? "Transfer-Encoding: chunked\r\n" : "Connection: close\r\n"),
         1, false);
  }

  void Send(const std::string& bytes) { Send(bytes, repeat_); }

  void Send(const std::string& bytes, std::int64_t repeat) {
    if (bytes.empty()) return;
    SendHead();
    if (step_split_ == 0) return Wire(OnTheWire(bytes), repeat, false);
    for (std::size_t at = 0; at < bytes.size(); at += step_split_) {
      Wire(OnTheWire(std::string_view(bytes).substr(at, step_split_)), 1, true);
    }
  }

  std::string OnTheWire(std::string_view bytes) const {
    return head_.framing == Framing::kChunked ? HttpChunk(bytes) : std::string(bytes);
  }

  // `alone`: a write of its own, not joined to the one before.
  void Wire(const std::string& bytes, std::int64_t repeat, bool alone) {
    const bool joins = !alone && repeat == 1 && !answer_.empty() &&
                       answer_.back().kind == Op::Kind::kSend && answer_.back().repeat == 1;
    Op& op = joins ? answer_.back() : Append(Op::Kind::kSend);
    op.bytes += bytes;
    op.repeat = repeat;
    op.step = step_;
  }

  void End(Op::Kind kind) {
    ended_ = true;
    if (!stream_) {
      SendDocument(kind);
    } else if (kind == Op::Kind::kFinish) {
      SendHead();
      if (head_.framing == Framing::kChunked) Wire("0\r\n\r\n", 1, false);
      if (head_.framing != Framing::kChunked) kind = Op::Kind::kClose;
    }
    Append(kind);
  }

  void SendDocument(Op::Kind end) {
    if (end != Op::Kind::kFinish && text_.empty() && !has_raw_) return;
    std::string body = has_raw_ ? raw_ : Document(api_, text_, reason_, tokens_);
    const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
    if (end != Op::Kind::kFinish) body.resize(body.size() / 2);
    Wire(head_.Text("application/json", length) + body, 1, false);
  }

  Head head_;
  const Api api_;
  const bool stream_;
  const std::size_t split_;
  Answer answer_;
  int step_ = 0;
  std::size_t step_split_ = 0;
  std::int64_t repeat_ = 1;
  bool head_sent_ = false;
  bool opened_ = false;
  bool ended_ = false;
  std::string text_;
  std::string reason_;
  std::string raw_;
  bool has_raw_ = false;
  int tokens_ = 0;
};

Answer WholeAnswer(const Head& head, const json::value& body) {
  const std::string bytes = body.is_string() ? String(body, "body") : json::serialize(body);
  Op send;
  send.kind = Op::Kind::kSend;
  send.bytes = head.Text(body.is_string() ? "text/plain" : "application/json",
                         "Content-Length: " + std::to_string(bytes.size()) + "\r\n") +
               bytes;
  Answer answer;
  answer.push_back(std::move(send));
  answer.emplace_back();
  return answer;
}

}  // namespace

std::shared_ptr<const Script> Script::Parse(const json::value& value) {
  if (!value.is_object()) throw std::invalid_argument("a script is an object");
  const json::object& object = value.get_object();
  CheckKeys(object, {"status", "headers", "body", "steps", "split", "framing"});
  const Head head = ParseHead(object);
  const auto* body = object.if_contains("body");
  const auto* steps = object.if_contains("steps");
  const auto* split = object.if_contains("split");
  if (body != nullptr && steps != nullptr) throw std::invalid_argument("both body and steps");
  if (steps != nullptr && !steps->is_array()) throw std::invalid_argument("steps: not an array");
  auto script = std::make_shared<Script>();
  for (int i = 0; i < 4; ++i) {
    const Api api = i / 2 == 0 ? Api::kGemini : Api::kOpenAi;
    if (steps != nullptr) {
      const auto bytes = split ? static_cast<std::size_t>(Number(*split, "split")) : 0;
      script->answers_[i] = Compiler(head, api, i % 2 == 1, bytes).Compile(steps->get_array());
    } else {
      script->answers_[i] = WholeAnswer(head, body ? *body : json::value(""));
    }
  }
  return script;
}

const Answer& Script::For(Api api, bool stream) const {
  return answers_[(api == Api::kGemini ? 0 : 2) + (stream ? 1 : 0)];
}

}  // namespace luna::fake
