#include "tests/support/fake_provider/service.h"

#include <algorithm>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tests/support/fake_provider/framing.h"

namespace luna::fake {
namespace {

namespace json = boost::json;
using Outcome = Exchange::Outcome;

constexpr std::string_view kGeminiModels = "/v1beta/models/";

// Plays one step. False: the client left or the exchange was dropped.
asio::awaitable<bool> PlayOp(const Op& op, Connection& connection, Exchange& exchange,
                             State& state) {
  const auto stays = [&] { return !connection.gone() && exchange.outcome == Outcome::kOpen; };
  switch (op.kind) {
    case Op::Kind::kSend:
      for (std::int64_t i = 0; op.repeat < 0 || i < op.repeat; ++i) {
        const bool sent = co_await connection.Write(op.bytes);
        if (!sent) co_return false;
        exchange.bytes_sent += static_cast<std::int64_t>(op.bytes.size());
        if (i % 64 == 63) co_await connection.Yield();
        if (!stays()) co_return false;
      }
      co_return stays();
    case Op::Kind::kPause: {
      const auto until = Connection::Clock::now() + op.pause;
      while (stays() && Connection::Clock::now() < until) co_await connection.Wait(until);
      co_return stays();
    }
    case Op::Kind::kAwait:
      co_return co_await state.Pass(op.gate, connection, exchange);
    case Op::Kind::kHang:
      co_await state.Hang(connection, exchange);
      co_return false;
    default:
      co_return stays();
  }
}

// Plays an answer; the connection is closed afterwards unless the answer ended properly.
asio::awaitable<void> Play(const Answer& answer, Connection& connection,
                           std::shared_ptr<Exchange> exchange, State& state) {
  for (const Op& op : answer) {
    exchange->step.store(op.step, std::memory_order_relaxed);
    const bool played = co_await PlayOp(op, connection, *exchange, state);
    if (!played) {
      state.End(exchange, Outcome::kCancelled);
      co_return connection.Reset();
    }
  }
  state.End(exchange, Outcome::kFinished);
  if (answer.back().kind == Op::Kind::kClose) connection.Close();
  if (answer.back().kind == Op::Kind::kReset) connection.Reset();
}

asio::awaitable<void> Reply(Connection& connection, int status, std::string body) {
  const std::string bytes =
      "HTTP/1.1 " + std::to_string(status) +
      " Fake\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  co_await connection.Write(bytes);
}

// Whether an OpenAI-style request has `"stream": true`. A quote inside a text is escaped, so that
// an unescaped "stream" before a colon is the key.
bool WantsStream(const std::string& body) {
  static constexpr std::string_view kKey = "\"stream\"";
  for (std::size_t at = body.find(kKey); at != std::string::npos; at = body.find(kKey, at + 1)) {
    if (at > 0 && body[at - 1] == '\\') continue;
    const std::size_t colon = body.find_first_not_of(" \t\r\n", at + kKey.size());
    if (colon == std::string::npos || body[colon] != ':') continue;
    const std::size_t value = body.find_first_not_of(" \t\r\n", colon + 1);
    return value != std::string::npos && body.compare(value, 4, "true") == 0;
  }
  return false;
}

// The part of a target before its query, and the query's parameters.
struct Target {
  explicit Target(const std::string& target) : path(target.substr(0, target.find('?'))) {
    std::size_t at = path.size();
    while (at < target.size()) {
      const std::size_t end = std::min(target.find('&', at + 1), target.size());
      const std::size_t equals = target.find('=', at);
      if (equals >= end) throw std::invalid_argument("bad query " + target);
      query[target.substr(at + 1, equals - at - 1)] = target.substr(equals + 1, end - equals - 1);
      at = end;
    }
  }

  std::string Take(const std::string& name, const std::string& otherwise) {
    const auto node = query.extract(name);
    return node ? node.mapped() : otherwise;
  }

  std::string path;
  std::map<std::string, std::string> query;
};

State::Wish WishOf(const std::map<std::string, std::string>& query) {
  State::Wish wish;
  for (const auto& [name, count] : query) wish.emplace_back(name, std::stoi(count));
  return wish;
}

void SetScript(const std::string& body, State& state) {
  const json::value value = json::parse(body);
  if (!value.is_array()) return state.SetStanding(Script::Parse(value));
  std::vector<std::shared_ptr<const Script>> scripts;
  for (const json::value& script : value.get_array()) scripts.push_back(Script::Parse(script));
  state.SetQueue(std::move(scripts));
}

// A command without an answer of its own. False: there is no such command.
bool Command(const std::string& name, const Request& request, State& state) {
  if (name == "PUT /_fake/script") {
    SetScript(request.body, state);
  } else if (name == "PUT /_fake/health") {
    state.SetHealth(Script::Parse(json::parse(request.body)));
  } else if (name == "DELETE /_fake") {
    state.Reset();
  } else {
    return false;
  }
  return true;
}

asio::awaitable<void> Control(const Request& request, Connection& connection, State& state) {
  int status = 200;
  std::string body = "{}";
  try {
    Target target(request.target);
    const std::string name = request.method + " " + target.path;
    if (name == "POST /_fake/step") {
      state.Open(target.Take("gate", "step"), std::stoi(target.Take("count", "1")));
    } else if (name == "GET /_fake/state") {
      body = json::serialize(state.Json());
    } else if (name == "GET /_fake/wait") {
      const std::chrono::milliseconds timeout(std::stoi(target.Take("timeout_ms", "10000")));
      State::Wish wish = WishOf(target.query);
      const bool reached = co_await state.Reach(std::move(wish), timeout, connection);
      if (!reached) status = 408;
      body = json::serialize(state.Json());
    } else if (!Command(name, request, state)) {
      status = 404;
    }
  } catch (const std::exception& error) {
    status = 400;
    body = json::serialize(json::object{{"error", error.what()}});
  }
  co_await Reply(connection, status, std::move(body));
}

asio::awaitable<void> Provide(Request request, Connection& connection, State& state) {
  const std::string& target = request.target;
  const bool gemini = target.compare(0, kGeminiModels.size(), kGeminiModels) == 0;
  const std::size_t method = target.rfind(':');
  std::shared_ptr<const Script> script;
  bool stream = false;
  int otherwise = 404;
  std::string body = "{}";
  if (request.method == "POST" && gemini && method != std::string::npos) {
    const std::string name = target.substr(method + 1);
    stream = name == "streamGenerateContent?alt=sse";
    if (stream || name == "generateContent") script = state.NextScript();
  } else if (request.method == "POST" && target == "/v1/chat/completions") {
    stream = WantsStream(request.body);
    script = state.NextScript();
  } else if (request.method == "GET" && target == "/v1/models") {
    otherwise = 200;
    body = R"({"object":"list","data":[{"id":"fake-1","object":"model","owned_by":"fake"}]})";
  } else if (request.method == "GET" && target == "/health") {
    script = state.Health();
    otherwise = 200;
    body = R"({"status":"ok"})";
  }
  const std::shared_ptr<Exchange> exchange = state.Begin(std::move(request));
  if (script != nullptr) {
    co_await Play(script->For(gemini ? Api::kGemini : Api::kOpenAi, stream), connection, exchange,
                  state);
  } else {
    co_await Reply(connection, otherwise, std::move(body));
    state.End(exchange, connection.gone() ? Outcome::kCancelled : Outcome::kFinished);
  }
}

}  // namespace

asio::awaitable<void> Serve(std::shared_ptr<Connection> connection, State& state) {
  connection->Start();
  bool open = true;
  while (open) {
    std::optional<Request> request = co_await connection->Read();
    if (!request) break;
    open = request->KeepsAlive();
    if (request->target.rfind("/_fake", 0) == 0) {
      co_await Control(*request, *connection, state);
    } else {
      co_await Provide(std::move(*request), *connection, state);
    }
  }
  connection->Close();
}

}  // namespace luna::fake
