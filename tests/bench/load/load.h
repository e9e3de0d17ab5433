#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/load/record.h"
#include "tests/bench/load/socket.h"

namespace luna::bench {

// Eight digits, so that no request of a body that holds them asks what another asked.
inline constexpr std::string_view kNumber = "00000000";

// What the load is. Times in nanoseconds.
struct Plan {
  bool grpc = false;
  sockaddr_in address{};
  std::string path;
  std::string body;        // SSE: JSON, or nothing for a GET; gRPC: the message, without its five
                           // bytes in front; the first of kNumber becomes each request's own number
  int streams = 1;         // at once
  int per_connection = 1;  // gRPC: how many of them share a connection
  int frames = 1;          // that each answer must have
  int sources = 1;         // how many addresses in 127.0.0.0/8 the connections come from
  bool once = false;       // each stream makes one request; else the next follows upon the last
  bool gaps = false;
  Nanos start = 0;
  Nanos ramp = 0;  // the time over which the streams start
  Window window;   // after its end no request starts; those under way are waited for
};

// A connection and its streams. One thread.
class Connection {
 public:
  virtual ~Connection() = default;
  // Before the first request. Throws std::runtime_error.
  virtual void Connect() = 0;
  // Makes the stream's request. Throws std::runtime_error.
  virtual void Start(Stream& stream, Nanos now) = 0;
  // The socket may be read or written; `closing`: the peer has sent its last. Throws
  // std::runtime_error: the connection is of no use.
  virtual void Ready(Nanos now, bool closing) = 0;

  const std::vector<Stream*>& streams() const { return streams_; }
  // From Connect to Close.
  Socket& socket() { return *socket_; }
  void Close() { socket_.reset(); }

 protected:
  explicit Connection(std::vector<Stream*> streams) : streams_(std::move(streams)) {}
  std::unique_ptr<Socket> socket_;

 private:
  const std::vector<Stream*> streams_;
};

// One thread's share of the load: an epoll loop with its connections.
class Load {
 public:
  // `first`, `count`: which of the plan's streams. `open` counts those that have had a first frame.
  Load(const Plan& plan, int first, int count, std::atomic<int>& open);
  ~Load();

  // Until every stream has ended. The functions are called at the window's begin and end.
  void Run(const std::function<void()>& at_begin, const std::function<void()>& at_end);

  Record& record() { return record_; }
  const Plan& plan() const { return plan_; }

  // For connections.
  char* buffer() { return buffer_.data(); }
  std::size_t buffer_size() const { return buffer_.size(); }
  void Frame(Stream& stream, Nanos now) {
    if (record_.Frame(stream, now)) open_.fetch_add(1, std::memory_order_relaxed);
  }
  // Gives a request, which ends in the plan's body, its number.
  void Number(std::string& request);
  // The stream's response has ended. True: the connection makes the next request.
  bool Ended(Stream& stream, Nanos now);

 private:
  struct Waiting {
    Nanos at;
    Stream* stream;
    Connection* connection;
  };

  void StartDue(Nanos now);
  void Begin(const Waiting& waiting);
  void Drop(Connection& connection, const std::string& why);
  int Timeout(Nanos now, Nanos mark) const;

  const Plan plan_;
  const std::size_t number_at_;  // from the end of the body; 0: it has none
  std::atomic<int>& open_;
  Record record_;
  std::vector<char> buffer_;
  int epoll_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Waiting> waiting_;  // the next one to start is the last
  int running_ = 0;
};

}  // namespace luna::bench
