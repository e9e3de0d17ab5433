// bare-grpc: a gRPC server that answers every call with the messages that luna would send, made
// before the first call. What stands behind nginx's grpc_pass.

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "luna/v1/interaction.pb.h"

namespace luna::bench {
namespace {

namespace asio = boost::asio;

// Calls that a queue waits for at once.
constexpr int kWaiting = 16;

struct Flags {
  int port = 0;
  int threads = 1;
  int chunks = 5;
  std::string text = " 안녕";
  int first_ms = 0;
  int gap_ms = 0;
};

// What each call is answered with: the last message ends it.
struct Script {
  std::vector<grpc::ByteBuffer> messages;
  std::chrono::milliseconds first;
  std::chrono::milliseconds gap;
};

grpc::ByteBuffer ToBytes(const v1::InteractResponse& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

Script MakeScript(const Flags& flags) {
  Script script;
  script.first = std::chrono::milliseconds(flags.first_ms);
  script.gap = std::chrono::milliseconds(flags.gap_ms);
  v1::InteractResponse event;
  event.mutable_created_at()->set_seconds(1767225600);
  event.mutable_created_at()->set_nanos(123456789);
  std::string text;
  for (int i = 1; i <= flags.chunks; ++i) {
    text += flags.text;
    event.set_sequence(i);
    event.mutable_llm_chunk()->set_text(flags.text);
    script.messages.push_back(ToBytes(event));
  }
  event.set_sequence(flags.chunks + 1);
  v1::Complete& complete = *event.mutable_complete();
  complete.set_text(text);
  complete.set_finish_reason("STOP");
  complete.mutable_usage()->set_prompt_tokens(7);
  complete.mutable_usage()->set_completion_tokens(flags.chunks);
  complete.mutable_usage()->set_total_tokens(7 + flags.chunks);
  complete.set_model("fake-1");
  complete.set_target("gemini");
  complete.mutable_timings()->set_first_chunk_ms(1);
  complete.mutable_timings()->set_total_ms(2);
  script.messages.push_back(ToBytes(event));
  return script;
}

// One call; each step is started by the end of the one before, so that it needs no lock.
class Call {
 public:
  Call(grpc::AsyncGenericService& service, grpc::ServerCompletionQueue& queue, const Script& script,
       asio::io_context& timers)
      : service_(service), queue_(queue), script_(script), timers_(timers), stream_(&context_) {
    service_.RequestCall(&context_, &stream_, &queue_, &queue_, this);
  }

  void Proceed(bool ok) {
    if (!ok || done_) {
      delete this;
    } else if (!requested_) {
      requested_ = true;
      new Call(service_, queue_, script_, timers_);
      stream_.Read(&request_, this);
    } else {
      const auto wait = next_ == 0 ? script_.first : script_.gap;
      const bool last = next_ + 1 == script_.messages.size();
      if (wait.count() == 0 || last) return Send();
      if (!timer_) timer_.emplace(timers_);
      timer_->expires_after(wait);
      timer_->async_wait([this](boost::system::error_code) { Send(); });
    }
  }

 private:
  void Send() {
    const grpc::ByteBuffer& message = script_.messages[next_++];
    done_ = next_ == script_.messages.size();
    if (done_) {
      stream_.WriteAndFinish(message, grpc::WriteOptions(), grpc::Status::OK, this);
    } else {
      stream_.Write(message, this);
    }
  }

  grpc::AsyncGenericService& service_;
  grpc::ServerCompletionQueue& queue_;
  const Script& script_;
  asio::io_context& timers_;
  grpc::GenericServerContext context_;
  grpc::ByteBuffer request_;
  grpc::GenericServerAsyncReaderWriter stream_;
  std::optional<asio::steady_timer> timer_;
  std::size_t next_ = 0;
  bool requested_ = false;
  bool done_ = false;
};

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Until a signal ends the process.
void Run(const Flags& flags) {
  RaiseDescriptorLimit();
  const Script script = MakeScript(flags);
  asio::io_context timers(1);
  const auto work = asio::make_work_guard(timers);
  std::thread timing([&] { timers.run(); });
  grpc::AsyncGenericService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort("127.0.0.1:" + std::to_string(flags.port),
                           grpc::InsecureServerCredentials(), &port);
  builder.RegisterAsyncGenericService(&service);
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues;
  for (int i = 0; i < flags.threads; ++i) queues.push_back(builder.AddCompletionQueue());
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) throw std::runtime_error("cannot listen");
  std::cout << "listening " << port << std::endl;
  std::vector<std::thread> threads;
  for (const auto& queue : queues) {
    for (int i = 0; i < kWaiting; ++i) new Call(service, *queue, script, timers);
    threads.emplace_back([&queue = *queue] {
      void* tag = nullptr;
      bool ok = false;
      while (queue.Next(&tag, &ok)) static_cast<Call*>(tag)->Proceed(ok);
    });
  }
  for (std::thread& thread : threads) thread.join();
  timing.join();
}

}  // namespace
}  // namespace luna::bench

int main(int argc, char** argv) {
  luna::bench::Flags flags;
  CLI::App app("A gRPC server that sends luna's messages and does nothing else");
  app.add_option("--port", flags.port, "on 127.0.0.1; 0 takes a free one");
  app.add_option("--threads", flags.threads)->check(CLI::PositiveNumber);
  app.add_option("--chunks", flags.chunks, "how many pieces an answer has");
  app.add_option("--text", flags.text, "each piece");
  app.add_option("--first-ms", flags.first_ms, "before the first piece");
  app.add_option("--gap-ms", flags.gap_ms, "between two pieces");
  CLI11_PARSE(app, argc, argv);
  try {
    luna::bench::Run(flags);
  } catch (const std::exception& error) {
    std::cerr << "bare-grpc: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
