#include "server/grpc/call.h"

#include <string>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "server/base/error.h"
#include "server/base/guard.h"
#include "server/grpc/metadata.h"
#include "server/grpc/status.h"
#include "server/telemetry/refusal.h"
#include "server/telemetry/request_id.h"

namespace luna::grpc {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMostRequestBytes = 256 << 10;
constexpr std::size_t kMostFileBytes = 4 << 20;  // a part of a file

// A request that carries a file, in a field of bytes, may be larger than others.
std::size_t MostBytes(const google::protobuf::Descriptor& request) {
  for (int i = 0; i < request.field_count(); ++i) {
    const bool file = request.field(i)->type() == google::protobuf::FieldDescriptor::TYPE_BYTES;
    if (file) return kMostFileBytes;
  }
  return kMostRequestBytes;
}

// What waits to be written before the model is held up, and when it may go on.
constexpr std::size_t kMostQueued = 64 << 10;
constexpr std::size_t kLowWater = 16 << 10;

class UnaryCall final : public Call {
 public:
  explicit UnaryCall(Place place) : Call(std::move(place)), responder_(&context_) {
    finished_ = Tag([this](bool) { OnFinished(); });
  }

 private:
  void Request(void* tag) override {
    place_.service->RequestUnary(place_.method, &context_, &request_, &responder_, place_.queue,
                                 tag);
  }
  void Reject(const ::grpc::Status& status) override {
    responder_.FinishWithError(status, finished_.Arm(shared_from_this()));
  }
  void Run(rpc::Message message) override {
    const rpc::Method* function = worker_.methods->Find(method().full_name());
    if (function == nullptr) {
      return Reject({::grpc::StatusCode::UNIMPLEMENTED, method().full_name() + " is not built"});
    }
    Spawn<absl::StatusOr<rpc::Message>>(function->call(std::move(message), caller_),
                                        [this](absl::StatusOr<rpc::Message> response) {
                                          if (!response.ok())
                                            return Reject(ToGrpcStatus(response.status()));
                                          Finish(ToBytes(**response));
                                        });
  }

  // A message that flow control holds up can block for ever: a caller that has not taken it within
  // `write_timeout` is let go.
  void Finish(const ::grpc::ByteBuffer& response) {
    patience_.emplace(worker_.loop->context(), place_.write_timeout);
    patience_->async_wait(
        [this, self = shared_from_this()](const boost::system::error_code& aborted) {
          if (!aborted) context_.TryCancel();
        });
    responder_.Finish(response, ::grpc::Status::OK, finished_.Arm(shared_from_this()));
  }

  void OnFinished() {
    asio::post(worker_.loop->context(), [this, self = shared_from_this()] {
      if (patience_) patience_->cancel();
    });
  }

  ::grpc::ServerAsyncResponseWriter<::grpc::ByteBuffer> responder_;
  std::optional<asio::steady_timer> patience_;  // loop only
};

// The loop puts messages into a queue; the thread that completes a write starts the next one, and
// wakes the loop only when the queue runs low: a hop for each message costs two thirds of the
// throughput.
class StreamCall final : public Call, public EventSink, public rpc::MessageSink {
 public:
  explicit StreamCall(Place place)
      : Call(std::move(place)), written_([this](bool ok) { OnWritten(ok); }), writer_(&context_) {
    finished_ = Tag([this](bool) { OnFinished(); });
  }

 private:
  void Request(void* tag) override {
    place_.service->RequestStream(place_.method, &context_, &request_, &writer_, place_.queue, tag);
  }
  void Reject(const ::grpc::Status& status) override {
    writer_.Finish(status, finished_.Arm(shared_from_this()));
  }
  void Run(rpc::Message message) override {
    room_.emplace(worker_.loop->context());
    patience_.emplace(worker_.loop->context());
    const auto finish = [this](const absl::Status& status) { Finish(ToGrpcStatus(status)); };
    if (method().input_type() == v1::InteractRequest::descriptor()) {
      auto& request = static_cast<v1::InteractRequest&>(*message);
      return Spawn<absl::Status>(worker_.interaction->Run(std::move(request), *this, caller_),
                                 finish);
    }
    const rpc::Method* function = worker_.methods->Find(method().full_name());
    if (function == nullptr) {
      return Reject({::grpc::StatusCode::UNIMPLEMENTED, method().full_name() + " is not built"});
    }
    Spawn<absl::Status>(function->stream(std::move(message), *this, caller_), finish);
  }

  void Put(const v1::InteractResponse& event) override {
    const bool terminal = event.has_complete() || event.has_error();
    Put(ToBytes(event), terminal);
  }
  void Put(const google::protobuf::Message& message) override { Put(ToBytes(message), false); }

  // `last`: leaves together with the status.
  void Put(::grpc::ByteBuffer message, bool last) {
    const std::lock_guard lock(mutex_);
    if (broken_) return;
    if (last) {
      last_ = std::move(message);
      return;
    }
    queued_bytes_ += message.Length();
    queue_.push_back(std::move(message));
  }

  void Flush() override {
    const std::lock_guard lock(mutex_);
    if (!writing_ && !queue_.empty()) Write();
  }

  asio::awaitable<absl::Status> Room() override {
    std::unique_lock lock(mutex_);
    if (writing_) {
      Watch();
    } else if (!queue_.empty()) {
      Write();
    }
    while (queued_bytes_ > kMostQueued && !broken_) {
      wants_room_ = true;
      Watch();
      lock.unlock();
      co_await room_->Wait(net::kForever);
      lock.lock();
    }
    if (broken_) co_return absl::CancelledError("the caller has gone");
    co_return absl::OkStatus();
  }

  // With mutex_ held: starts the first write of the queue.
  void Write() {
    writing_ = true;
    ::grpc::ByteBuffer message;
    message.Swap(&queue_.front());
    queue_.pop_front();
    queued_bytes_ -= message.Length();
    // More follows at once, so that gRPC may send both together; not so for the first message of a
    // stream, which gRPC 1.51 then never sends.
    ::grpc::WriteOptions options;
    if (writes_done_ > 0 && !queue_.empty()) options.set_buffer_hint();
    writer_.Write(message, options, written_.Arm(shared_from_this()));
  }

  void OnWritten(bool ok) {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    ++writes_done_;
    if (!ok) {
      broken_ = true;
      queue_.clear();
      queued_bytes_ = 0;
    }
    if (!queue_.empty()) {
      Write();
    } else if (status_) {
      FinishNow();
    }
    if (wants_room_ && queued_bytes_ <= kLowWater) {
      wants_room_ = false;
      asio::post(worker_.loop->context(), [this, self = shared_from_this()] { room_->Notify(); });
    }
  }

  void Finish(::grpc::Status status) {
    const std::lock_guard lock(mutex_);
    status_ = std::move(status);
    if (!writing_ && !queue_.empty()) Write();
    if (!writing_) FinishNow();
    Watch();
  }

  // With mutex_ held, on the loop. A write that flow control holds up can block for ever: once none
  // has ended for `write_timeout`, the caller is let go.
  void Watch() {
    if (std::exchange(watching_, true)) return;
    patience_->expires_after(place_.write_timeout);
    patience_->async_wait([this, self = shared_from_this(),
                           before = writes_done_](const boost::system::error_code& aborted) {
      const std::lock_guard lock(mutex_);
      watching_ = false;
      if (aborted || (!writing_ && !finishing_)) return;
      if (writes_done_ == before) {
        context_.TryCancel();
      } else {
        Watch();
      }
    });
  }

  void OnFinished() {
    const std::lock_guard lock(mutex_);
    finishing_ = false;
    if (!watching_) return;
    asio::post(worker_.loop->context(), [this, self = shared_from_this()] { patience_->cancel(); });
  }

  // With mutex_ held, nothing being written.
  void FinishNow() {
    finishing_ = true;
    void* tag = finished_.Arm(shared_from_this());
    if (last_) {
      writer_.WriteAndFinish(*last_, ::grpc::WriteOptions(), *status_, tag);
    } else {
      writer_.Finish(*status_, tag);
    }
  }

  Tag written_;
  std::optional<net::Signal> room_;             // loop only
  std::optional<asio::steady_timer> patience_;  // loop only
  std::mutex mutex_;                            // for what follows
  ::grpc::ServerAsyncWriter<::grpc::ByteBuffer> writer_;
  std::deque<::grpc::ByteBuffer> queue_;
  std::size_t queued_bytes_ = 0;
  std::optional<::grpc::ByteBuffer> last_;
  std::optional<::grpc::Status> status_;
  int writes_done_ = 0;
  bool writing_ = false;
  bool finishing_ = false;
  bool watching_ = false;
  bool wants_room_ = false;
  bool broken_ = false;
};

}  // namespace

void RunningCalls::Count() {
  const std::lock_guard lock(mutex_);
  ++all_;
}

void RunningCalls::Add(const std::shared_ptr<Call>& call) {
  const std::lock_guard lock(mutex_);
  calls_[call.get()] = call;
}

void RunningCalls::Remove(Call* call) {
  const std::lock_guard lock(mutex_);
  calls_.erase(call);
  --all_;
  removed_.notify_all();
}

bool RunningCalls::WaitUntilNone(net::TimePoint until) {
  std::unique_lock lock(mutex_);
  return removed_.wait_until(lock, until, [this] { return calls_.empty(); });
}

void RunningCalls::WaitUntilAllGone() {
  std::unique_lock lock(mutex_);
  removed_.wait(lock, [this] { return all_ == 0; });
}

void RunningCalls::EndAll(const absl::Status& why) {
  std::vector<std::shared_ptr<Call>> calls;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [address, call] : calls_) calls.push_back(call.lock());
  }
  for (const std::shared_ptr<Call>& call : calls) {
    if (call != nullptr) call->End(why);
  }
}

Call::Call(Place place)
    : place_(std::move(place)),
      finished_([](bool) {}),
      requested_([this](bool ok) { OnRequested(ok); }),
      done_([this](bool) { OnDone(); }) {
  place_.running->Count();
}

Call::~Call() { place_.running->Remove(this); }

void Call::WaitFor(const Place& place) {
  std::shared_ptr<Call> call;
  if (place.service->descriptor()->method(place.method)->server_streaming()) {
    call = std::make_shared<StreamCall>(place);
  } else {
    call = std::make_shared<UnaryCall>(place);
  }
  call->context_.AsyncNotifyWhenDone(call->done_.Arm(call));
  call->Request(call->requested_.Arm(call));
}

void Call::OnRequested(bool ok) {
  if (!ok) {
    done_.Arm(nullptr);  // its tag never comes if the call never starts
    return;
  }
  worker_ = place_.next_worker();
  place_.running->Add(shared_from_this());
  WaitFor(place_);
  caller_.transport = "grpc";
  caller_.id = telemetry::RequestId(MetadataOf(context_, "x-request-id"));
  context_.AddInitialMetadata("x-request-id", caller_.id);
  if (const absl::Status known = Authenticate(); !known.ok()) return Refuse(known);
  rpc::Message message(google::protobuf::MessageFactory::generated_factory()
                           ->GetPrototype(method().input_type())
                           ->New());
  const std::size_t most = MostBytes(*method().input_type());
  if (request_.Length() > most) {
    return Refuse(MakeError(ErrorCode::kInputTooLarge,
                            "the request is longer than " + std::to_string(most) + " bytes"));
  }
  if (!FromBytes(request_, *message)) {
    return Refuse(MakeError(ErrorCode::kInvalidInput, "the request is not a valid " +
                                                          method().input_type()->full_name() +
                                                          " (a text that is not UTF-8?)"));
  }
  request_.Clear();
  const absl::Status bound = auth::BindUser(caller_.user, *message);
  if (!bound.ok()) return Refuse(bound);
  // std::function wants to copy what it holds.
  auto shared = std::make_shared<rpc::Message>(std::move(message));
  asio::post(worker_.loop->context(),
             [this, self = shared_from_this(), shared] { Run(std::move(*shared)); });
}

absl::Status Call::Authenticate() {
  if (worker_.tokens == nullptr) return absl::OkStatus();
  absl::StatusOr<std::string> user = worker_.tokens->UserOf(MetadataOf(context_, "authorization"));
  if (!user.ok()) return user.status();
  caller_.user = *std::move(user);
  return absl::OkStatus();
}

void Call::Refuse(const absl::Status& error) {
  telemetry::RecordRefusal(*worker_.metrics, caller_.transport, caller_.id, ErrorOf(error).code());
  Reject(ToGrpcStatus(error));
}

void Call::End(const absl::Status& why) {
  asio::post(worker_.loop->context(), [this, self = shared_from_this(), why] {
    caller_.ended = why;
    cancel_.emit(asio::cancellation_type::terminal);
  });
}

void Call::OnDone() {
  if (!context_.IsCancelled() || worker_.loop == nullptr) return;
  if (std::chrono::system_clock::now() >= context_.deadline()) {
    return End(MakeError(ErrorCode::kDeadlineExceeded, "the caller's deadline has passed"));
  }
  asio::post(worker_.loop->context(), [this, self = shared_from_this()] {
    cancel_.emit(asio::cancellation_type::terminal);
  });
}

template <class Result>
void Call::Spawn(asio::awaitable<Result> work, std::function<void(Result)> finish) {
  asio::co_spawn(worker_.loop->context(), Guard(std::move(work)),
                 asio::bind_cancellation_slot(
                     cancel_.slot(), [this, self = shared_from_this(), finish = std::move(finish)](
                                         std::exception_ptr before_it_began, Result result) {
                       if (before_it_began) {
                         result = caller_.ended.ok() ? absl::CancelledError("the caller has gone")
                                                     : caller_.ended;
                       }
                       finish(std::move(result));
                     }));
}

}  // namespace luna::grpc
