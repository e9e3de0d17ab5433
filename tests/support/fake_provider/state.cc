#include "tests/support/fake_provider/state.h"

#include <stdexcept>

#include <boost/json/array.hpp>

namespace luna::fake {
namespace {

constexpr std::size_t kKept = 1000;
using Outcome = Exchange::Outcome;

const char* Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOpen:
      return "open";
    case Outcome::kFinished:
      return "finished";
    case Outcome::kCancelled:
      return "cancelled";
    case Outcome::kDropped:
      return "dropped";
  }
  return "";
}

boost::json::object Headers(const std::string& head) {
  boost::json::object headers;
  std::size_t at = head.find("\r\n") + 2;
  while (at < head.size()) {
    const std::size_t end = head.find("\r\n", at);
    const std::size_t colon = head.find(": ", at);
    if (colon < end) {
      std::string name = head.substr(at, colon - at);
      for (char& c : name) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      }
      headers[name] = head.substr(colon + 2, end - colon - 2);
    }
    at = end + 2;
  }
  return headers;
}

}  // namespace

// Wakes its connection upon every change, for as long as it lives.
class State::Waiter {
 public:
  Waiter(State& state, Connection& connection) : state_(state), connection_(connection) {
    const std::lock_guard lock(state_.mutex_);
    state_.waiters_.insert(&connection_);
  }
  ~Waiter() {
    const std::lock_guard lock(state_.mutex_);
    state_.waiters_.erase(&connection_);
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

 private:
  State& state_;
  Connection& connection_;
};

State::State(std::shared_ptr<const Script> standing) : default_(standing), standing_(standing) {}

void State::NotifyLocked() {
  for (Connection* waiter : waiters_) waiter->Wake();
}

void State::Reset() {
  const std::lock_guard lock(mutex_);
  standing_ = default_;
  queue_.clear();
  health_ = nullptr;
  for (const auto& exchange : open_) exchange->outcome = Outcome::kDropped;
  open_.clear();
  seen_.clear();
  gates_.clear();
  requests_ = finished_ = cancelled_ = 0;
  NotifyLocked();
}

void State::SetStanding(std::shared_ptr<const Script> script) {
  const std::lock_guard lock(mutex_);
  standing_ = std::move(script);
  queue_.clear();
}

void State::SetQueue(std::vector<std::shared_ptr<const Script>> scripts) {
  const std::lock_guard lock(mutex_);
  queue_.assign(scripts.begin(), scripts.end());
}

std::shared_ptr<const Script> State::NextScript() {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) return standing_;
  auto script = std::move(queue_.front());
  queue_.pop_front();
  return script;
}

void State::SetHealth(std::shared_ptr<const Script> script) {
  const std::lock_guard lock(mutex_);
  health_ = std::move(script);
}

std::shared_ptr<const Script> State::Health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

std::shared_ptr<Exchange> State::Begin(Request request) {
  auto exchange = std::make_shared<Exchange>(std::move(request));
  const std::lock_guard lock(mutex_);
  ++requests_;
  open_.insert(exchange);
  seen_.push_back(exchange);
  if (seen_.size() > kKept) seen_.pop_front();
  NotifyLocked();
  return exchange;
}

void State::End(const std::shared_ptr<Exchange>& exchange, Outcome outcome) {
  const std::lock_guard lock(mutex_);
  if (exchange->outcome != Outcome::kOpen) return;  // dropped by Reset
  exchange->outcome = outcome;
  open_.erase(exchange);
  if (outcome == Outcome::kFinished) ++finished_;
  if (outcome == Outcome::kCancelled) ++cancelled_;
  NotifyLocked();
}

void State::Open(const std::string& gate, int count) {
  const std::lock_guard lock(mutex_);
  gates_[gate] += count;
  NotifyLocked();
}

asio::awaitable<bool> State::Pass(std::string gate, Connection& connection,
                                  const Exchange& exchange) {
  const Waiter waiter(*this, connection);
  bool counted = false;
  bool passed = false;
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      const bool stays = !connection.gone() && exchange.outcome == Outcome::kOpen;
      if (stays && gates_[gate] > 0) {
        --gates_[gate];
        passed = true;
      }
      if (!counted && stays && !passed) {
        counted = true;
        ++waiting_;
        NotifyLocked();
      }
      if (!stays || passed) {
        waiting_ -= counted ? 1 : 0;
        co_return passed;
      }
    }
    co_await connection.Wait(Connection::Clock::time_point::max());
  }
}

asio::awaitable<void> State::Hang(Connection& connection, const Exchange& exchange) {
  const Waiter waiter(*this, connection);
  while (!connection.gone() && exchange.outcome == Outcome::kOpen) {
    co_await connection.Wait(Connection::Clock::time_point::max());
  }
}

bool State::Reached(const Wish& wish) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, count] : wish) {
    bool reached = false;
    if (name == "requests") {
      reached = requests_ >= count;
    } else if (name == "finished") {
      reached = finished_ >= count;
    } else if (name == "cancelled") {
      reached = cancelled_ >= count;
    } else if (name == "waiting") {
      reached = waiting_ >= count;
    } else if (name == "open") {
      reached = static_cast<int>(open_.size()) == count;
    } else {
      throw std::invalid_argument("wait: unknown counter " + name);
    }
    if (!reached) return false;
  }
  return true;
}

asio::awaitable<bool> State::Reach(Wish wish, std::chrono::milliseconds timeout,
                                   Connection& connection) {
  const Waiter waiter(*this, connection);
  const auto until = Connection::Clock::now() + timeout;
  while (!Reached(wish)) {
    if (connection.gone() || Connection::Clock::now() >= until) co_return false;
    co_await connection.Wait(until);
  }
  co_return true;
}

boost::json::object State::Json() const {
  const std::lock_guard lock(mutex_);
  boost::json::array requests;
  for (const auto& exchange : seen_) {
    requests.push_back({{"method", exchange->request.method},
                        {"path", exchange->request.target},
                        {"headers", Headers(exchange->request.head)},
                        {"body", exchange->request.body},
                        {"outcome", Name(exchange->outcome)},
                        {"step", exchange->step.load()},
                        {"bytes_sent", exchange->bytes_sent.load()}});
  }
  return {{"requests", std::move(requests)},
          {"seen", requests_},
          {"open", open_.size()},
          {"waiting", waiting_},
          {"finished", finished_},
          {"cancelled", cancelled_}};
}

}  // namespace luna::fake
