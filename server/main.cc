#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <absl/synchronization/mutex.h>
#include <boost/asio/post.hpp>
#include <curl/curl.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "luna/v1/interaction.pb.h"
#include "server/base/error.h"
#include "server/config/config.h"
#include "server/emotion/engine.h"
#include "server/grpc/server.h"
#include "server/http/server.h"
#include "server/interaction/admission.h"
#include "server/interaction/interaction.h"
#include "server/llm/targets.h"
#include "server/net/event_loop.h"
#include "server/net/http_client.h"
#include "server/rpc/worker.h"
#include "server/telemetry/metrics.h"

namespace luna {
namespace {

// For exit: the configuration, or an address, was refused.
constexpr int kRefused = 2;
// The server was stopped before all requests had ended.
constexpr int kCutShort = 1;

// How long a client has to take what ends its request when the server stops.
constexpr std::chrono::seconds kLastWords{2};

// One event loop and what lives on it.
class Core {
 public:
  Core(const config::Config& config, std::shared_ptr<const emotion::Model> model,
       Admission& admission, telemetry::Metrics& metrics)
      : http_(std::make_unique<net::HttpClient>(loop_.context(), net::HttpClient::Limits())),
        targets_(config.llm, *http_, metrics),
        emotion_(emotion::MakeClassifier(config.emotion, std::move(model), targets_, metrics)),
        interaction_(config, targets_, emotion_.get(), admission, metrics),
        methods_(rpc::LunaMethods(interaction_, emotion_.get(), admission, metrics)) {
    loop_.Start();
  }

  // Every request must have ended.
  ~Core() {
    std::promise<void> closed;
    boost::asio::post(loop_.context(), [&] {
      http_.reset();
      closed.set_value();
    });
    closed.get_future().wait();
    loop_.Join();
  }

  rpc::Worker worker(const Admission& admission, telemetry::Metrics& metrics) {
    return {&loop_, &interaction_, &methods_, &admission, &metrics};
  }

 private:
  net::EventLoop loop_;
  std::unique_ptr<net::HttpClient> http_;
  llm::Targets targets_;
  std::unique_ptr<EmotionClassifier> emotion_;
  Interaction interaction_;
  rpc::Methods methods_;
};

int Refuse(const absl::Status& status) {
  std::cerr << "luna-server: " << std::string(status.message()) << std::endl;
  return kRefused;
}

// Signals are taken by sigwait alone. To be called before the first thread starts.
sigset_t BlockStopSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Raises the soft limit of descriptors to the hard one, and cuts `wanted` to what they allow: a
// stream takes one for its client and one for its model.
int StreamsThatFit(int wanted) {
  constexpr rlim_t kOthers = 128;  // listeners, event loops, logs, the pool's idle connections
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t fit = limit.rlim_cur > kOthers ? (limit.rlim_cur - kOthers) / 2 : 1;
  return static_cast<int>(std::min(fit, static_cast<rlim_t>(wanted)));
}

int Serve(const config::Config& config) {
  const sigset_t stop_signals = BlockStopSignals();
  const int most_streams = StreamsThatFit(config.server.max_streams);
  Admission admission(most_streams);
  telemetry::Metrics metrics;
  const std::shared_ptr<const emotion::Model> model = emotion::LoadModel(config);
  std::vector<std::unique_ptr<Core>> cores;
  std::vector<rpc::Worker> workers;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) {
    cores.push_back(std::make_unique<Core>(config, model, admission, metrics));
    workers.push_back(cores.back()->worker(admission, metrics));
  }
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  const std::vector<const google::protobuf::ServiceDescriptor*> services = {
      pool->FindServiceByName("luna.v1.InteractionService"),
      pool->FindServiceByName("luna.v1.EmotionService"),
  };
  auto http = http::Server::Listen(config.server, services, workers);
  if (!http.ok()) return Refuse(http.status());
  auto grpc = grpc::Server::Listen(config.server, services, workers);
  if (!grpc.ok()) return Refuse(grpc.status());
  (*http)->Start();
  std::cout << "listening http=" << (*http)->address() << " grpc=" << (*grpc)->address()
            << std::endl;

  if (most_streams < config.server.max_streams) {
    spdlog::info("server.max_streams: {} instead of {}, which is what the descriptors allow",
                 most_streams, config.server.max_streams);
  }

  int signal = 0;
  sigwait(&stop_signals, &signal);
  std::thread([stop_signals] {
    int second = 0;
    sigwait(&stop_signals, &second);
    std::_Exit(kCutShort);
  }).detach();
  spdlog::info("stopping: no new requests, {} ms for those that run; a second signal ends at once",
               config.server.drain.count());
  admission.Close();
  (*grpc)->SayNotServing();
  const bool all_ended = admission.WaitUntilEmpty(net::Clock::now() + config.server.drain);
  if (!all_ended) {
    const absl::Status why = MakeError(ErrorCode::kShuttingDown, "the server is stopping");
    (*http)->EndRequests(why);
    (*grpc)->EndCalls(why);
  }
  const auto until = net::Clock::now() + kLastWords;
  std::thread grpc_stop([&] { (*grpc)->Stop(until); });
  (*http)->Stop(until);
  grpc_stop.join();
  return all_ended ? 0 : kCutShort;
}

int Main(int argc, char** argv) {
  CLI::App app{"luna: a conversation server over gRPC and HTTP", "luna-server"};
  config::Flags flags;
  bool check = false;
  app.add_option("--config", flags.config, "the configuration (default: config/models.yaml)");
  app.add_option("--http", flags.http, "where HTTP listens, ADDRESS:PORT");
  app.add_option("--grpc", flags.grpc, "where gRPC listens, ADDRESS:PORT");
  app.add_option("--data-dir", flags.data_dir, "where what is kept is kept");
  app.add_flag("--check-config", check, "print what would be done, and exit");
  app.set_version_flag("--version", "luna " LUNA_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kRefused;
  }
  spdlog::set_default_logger(spdlog::stderr_logger_mt("luna"));
  // A message that does not parse is an error of its sender, and answered as one.
  google::protobuf::SetLogHandler(nullptr);
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  const auto config = config::Load(flags, config::ProcessEnvironment());
  if (!config.ok()) return Refuse(config.status());
  if (check) {
    std::cout << config::Describe(*config);
    return 0;
  }
  if (!config->auth.tokens_file.empty()) {
    spdlog::warn("auth.tokens_file: sign-in is not built yet; every caller is let in");
  }
  // Debian's abseil looks for deadlocks upon every lock that gRPC takes.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const int result = Serve(*config);
  curl_global_cleanup();
  return result;
}

}  // namespace
}  // namespace luna

int main(int argc, char** argv) { return luna::Main(argc, argv); }
