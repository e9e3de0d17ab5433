#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <boost/asio/cancellation_signal.hpp>
#include <grpcpp/grpcpp.h>

#include "server/grpc/raw_service.h"
#include "server/interaction/event_sink.h"
#include "server/net/event_loop.h"
#include "server/rpc/worker.h"

namespace luna::grpc {

class Call;

// What stands on a completion queue: runs once, and keeps its call alive until then.
class Tag {
 public:
  explicit Tag(std::function<void(bool ok)> run) : run_(std::move(run)) {}

  void* Arm(std::shared_ptr<Call> call) {
    call_ = std::move(call);
    return this;
  }
  void Complete(bool ok) {
    const std::shared_ptr<Call> call = std::move(call_);
    run_(ok);
  }

 private:
  std::function<void(bool ok)> run_;
  std::shared_ptr<Call> call_;
};

// The calls that are at work, so that all of them can be ended, and how many there are with those
// that wait for a caller. From any thread.
class RunningCalls {
 public:
  // From a call's constructor, its beginning, and its destructor.
  void Count();
  void Add(const std::shared_ptr<Call>& call);
  void Remove(Call* call);
  void EndAll(const absl::Status& why);
  // Waits until none is at work, or until `until`: then false.
  bool WaitUntilNone(net::TimePoint until);
  // Waits until none waits for a caller, either.
  void WaitUntilAllGone();

 private:
  std::mutex mutex_;
  std::condition_variable removed_;
  std::map<Call*, std::weak_ptr<Call>> calls_;
  int all_ = 0;
};

// One RPC, from the wait for it to its end. Its tags run on the completion queue's thread, its
// coroutine on the worker's loop.
class Call : public std::enable_shared_from_this<Call> {
 public:
  // Where calls come from and go to.
  struct Place {
    RawService* service;
    int method;
    ::grpc::ServerCompletionQueue* queue;
    RunningCalls* running;
    std::chrono::milliseconds write_timeout;
    std::function<rpc::Worker()> next_worker;  // from any thread
  };

  // Waits for a call of this method, and then for the next one, until the server shuts down.
  static void WaitFor(const Place& place);

  virtual ~Call();

  // Ends a call that runs: its caller is told `why`. From any thread.
  void End(const absl::Status& why);

 protected:
  explicit Call(Place place);

  // Asks the service for a call.
  virtual void Request(void* tag) = 0;
  // A call is there, its request is not valid / is `message`.
  virtual void Reject(const ::grpc::Status& status) = 0;
  virtual void Run(rpc::Message message) = 0;

  // Runs `work` on the loop; it is cancelled when the caller goes away. Then `finish`, on the loop.
  template <class Result>
  void Spawn(boost::asio::awaitable<Result> work, std::function<void(Result)> finish);

  const google::protobuf::MethodDescriptor& method() const {
    return *place_.service->descriptor()->method(place_.method);
  }

  const Place place_;
  ::grpc::ServerContext context_;
  ::grpc::ByteBuffer request_;
  rpc::Worker worker_{};
  Caller caller_;  // loop only, once Run was called
  Tag finished_;

 private:
  void OnRequested(bool ok);
  absl::Status Authenticate();
  void Refuse(const absl::Status& error);
  void OnDone();

  Tag requested_;
  Tag done_;
  boost::asio::cancellation_signal cancel_;  // loop only
};

}  // namespace luna::grpc
