#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "tests/support/fake_provider/connection.h"
#include "tests/support/fake_provider/script.h"

namespace luna::fake {

// A request that a client made and what became of it. Written by the thread of its connection.
struct Exchange {
  enum class Outcome { kOpen, kFinished, kCancelled, kDropped };
  explicit Exchange(Request r) : request(std::move(r)) {}

  const Request request;
  std::atomic<Outcome> outcome{Outcome::kOpen};
  std::atomic<int> step{0};
  std::atomic<std::int64_t> bytes_sent{0};
};

// What the fake knows: the scripts to play, the requests seen, and who waits for what. Any thread.
class State {
 public:
  explicit State(std::shared_ptr<const Script> standing);

  // Forgets everything; answers under way are dropped, their connections reset.
  void Reset();

  void SetStanding(std::shared_ptr<const Script> script);
  // The next requests get these, one each, then the standing one again.
  void SetQueue(std::vector<std::shared_ptr<const Script>> scripts);
  std::shared_ptr<const Script> NextScript();

  // What GET /health answers; null: 200.
  void SetHealth(std::shared_ptr<const Script> script);
  std::shared_ptr<const Script> Health() const;

  // A request begins: it is open until End. Only the last 1,000 are kept for Json.
  std::shared_ptr<Exchange> Begin(Request request);
  void End(const std::shared_ptr<Exchange>& exchange, Exchange::Outcome outcome);

  // Lets `count` requests through the gate, those that come later included.
  void Open(const std::string& gate, int count);

  // Waits at the gate. False: the client left, or the exchange was dropped.
  boost::asio::awaitable<bool> Pass(std::string gate, Connection& connection,
                                    const Exchange& exchange);
  // Waits for nothing but the end: returns once the client has left or the exchange was dropped.
  boost::asio::awaitable<void> Hang(Connection& connection, const Exchange& exchange);

  // Counters by name that are to be reached: `requests`, `finished`, `cancelled`, `waiting` (at a
  // gate) at least; `open` exactly. Throws std::invalid_argument for any other.
  using Wish = std::vector<std::pair<std::string, int>>;
  // False: the time is over, or the asking client left.
  boost::asio::awaitable<bool> Reach(Wish wish, std::chrono::milliseconds timeout,
                                     Connection& connection);

  boost::json::object Json() const;

 private:
  class Waiter;

  bool Reached(const Wish& wish) const;
  void NotifyLocked();

  mutable std::mutex mutex_;
  const std::shared_ptr<const Script> default_;
  std::shared_ptr<const Script> standing_;
  std::deque<std::shared_ptr<const Script>> queue_;
  std::shared_ptr<const Script> health_;
  std::deque<std::shared_ptr<Exchange>> seen_;
  std::set<std::shared_ptr<Exchange>> open_;
  std::map<std::string, int> gates_;
  std::set<Connection*> waiters_;
  int requests_ = 0;
  int finished_ = 0;
  int cancelled_ = 0;
  int waiting_ = 0;
};

}  // namespace luna::fake
