#include "tests/bench/load/load.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "tests/bench/load/grpc_connection.h"
#include "tests/bench/load/sse_connection.h"

namespace luna::bench {
namespace {

constexpr std::size_t kBufferBytes = 256 << 10;

std::size_t NumberAt(const std::string& body) {
  const std::size_t at = body.find(kNumber);
  return at == std::string::npos ? 0 : body.size() - at;
}

}  // namespace

Load::Load(const Plan& plan, int first, int count, std::atomic<int>& open)
    : plan_(plan),
      number_at_(NumberAt(plan.body)),
      open_(open),
      record_(plan.window, plan.frames, plan.gaps),
      buffer_(kBufferBytes),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  for (int i = first; i < first + count; ++i) {
    auto& stream = streams_.emplace_back(std::make_unique<Stream>());
    stream->start_at = plan_.start + plan_.ramp * i / plan_.streams;
  }
  const int share = plan_.grpc ? plan_.per_connection : 1;
  for (int i = 0; i < count; i += share) {
    std::vector<Stream*> streams;
    for (int j = i; j < std::min(i + share, count); ++j) streams.push_back(streams_[j].get());
    const int source = (first + i) / share % plan_.sources;
    if (plan_.grpc) {
      connections_.push_back(std::make_unique<GrpcConnection>(*this, source, streams));
    } else {
      connections_.push_back(std::make_unique<SseConnection>(*this, source, streams));
    }
    Connection* connection = connections_.back().get();
    for (Stream* stream : streams) waiting_.push_back({stream->start_at, stream, connection});
  }
  std::reverse(waiting_.begin(), waiting_.end());
}

Load::~Load() {
  connections_.clear();
  close(epoll_);
}

void Load::Run(const std::function<void()>& at_begin, const std::function<void()>& at_end) {
  std::array<epoll_event, 256> events;
  bool begun = false;
  bool ended = plan_.once;
  while (running_ > 0 || !waiting_.empty() || !ended) {
    Nanos now = Now();
    if (!begun && now >= plan_.window.begin) {
      begun = true;
      at_begin();
    }
    if (begun && !ended && now >= plan_.window.end) {
      ended = true;
      at_end();
    }
    StartDue(now);
    const Nanos mark = !begun ? plan_.window.begin : ended ? now + 1'000'000'000 : plan_.window.end;
    const int count = epoll_wait(epoll_, events.data(), events.size(), Timeout(Now(), mark));
    now = Now();
    for (int i = 0; i < count; ++i) {
      auto& connection = *static_cast<Connection*>(events[i].data.ptr);
      try {
        connection.Ready(now, (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
      } catch (const std::runtime_error& error) {
        Drop(connection, error.what());
      }
    }
  }
  if (plan_.once) at_end();
}

// Counts on from the time in tens of microseconds, so that no later load begins where this one was.
void Load::Number(std::string& request) {
  if (number_at_ == 0) return;
  static std::atomic<Nanos> next = Now() / 10'000;
  std::string digits = std::to_string(100'000'000 + next++ % 100'000'000);
  request.replace(request.size() - number_at_, kNumber.size(), digits, 1, kNumber.size());
}

bool Load::Ended(Stream& stream, Nanos now) {
  record_.Ended(stream, now);
  if (!plan_.once && now < plan_.window.end) return true;
  --running_;
  return false;
}

void Load::StartDue(Nanos now) {
  while (!waiting_.empty() && waiting_.back().at <= now) {
    const Waiting next = waiting_.back();
    waiting_.pop_back();
    ++running_;
    try {
      Begin(next);
    } catch (const std::runtime_error& error) {
      next.stream->open = true;
      Drop(*next.connection, error.what());
    }
  }
}

void Load::Begin(const Waiting& waiting) {
  Connection& connection = *waiting.connection;
  if (waiting.stream == connection.streams().front()) {
    connection.Connect();
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &connection;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket().descriptor(), &event);
  }
  connection.Start(*waiting.stream, Now());
}

// A connection that fails takes its streams along, those that were still to start, too.
void Load::Drop(Connection& connection, const std::string& why) {
  for (Stream* stream : connection.streams()) {
    if (!stream->open) continue;
    record_.Broke(*stream, why);
    --running_;
  }
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(),
                                [&](const Waiting& one) { return one.connection == &connection; }),
                 waiting_.end());
  connection.Close();
}

int Load::Timeout(Nanos now, Nanos mark) const {
  if (!waiting_.empty()) mark = std::min(mark, waiting_.back().at);
  return static_cast<int>(std::clamp<Nanos>((mark - now + 999'999) / 1'000'000, 0, 1000));
}

}  // namespace luna::bench
