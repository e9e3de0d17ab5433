#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
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
#include "server/auth/tokens.h"
#include "server/base/error.h"
#include "server/cache/response_cache.h"
#include "server/config/config.h"
#include "server/config/formats.h"
#include "server/config/shipped.h"
#include "server/emotion/engine.h"
#include "server/grpc/server.h"
#include "server/http/server.h"
#include "server/interaction/admission.h"
#include "server/interaction/interaction.h"
#include "server/interaction/summarizer.h"
#include "server/llm/targets.h"
#include "server/memory/conversation_memory.h"
#include "server/net/event_loop.h"
#include "server/net/http_client.h"
#include "server/net/task_group.h"
#include "server/rpc/worker.h"
#include "server/storage/connection.h"
#include "server/storage/data_directory.h"
#include "server/storage/database.h"
#include "server/telemetry/metrics.h"
#include "server/translation/engine.h"

namespace luna {
namespace {

// For exit: the configuration, or an address, was refused.
constexpr int kRefused = 2;
// The server was stopped before all requests had ended.
constexpr int kCutShort = 1;

// How long a client has to take what ends its request when the server stops.
constexpr std::chrono::seconds kLastWords{2};

// Made at once. Who finds no place tries again with his next turn.
constexpr std::size_t kMostSummaries = 8;

// One event loop and what lives on it.
class Core {
 public:
  Core(const config::Config& config, std::shared_ptr<const emotion::Model> model,
       translation::Cache& translations, ConversationMemory& memory, ResponseCache& cache,
       net::TaskGroup& tasks, Admission& admission, telemetry::Metrics& metrics)
      : http_(std::make_unique<net::HttpClient>(loop_.context(), net::HttpClient::Limits())),
        targets_(config.llm, *http_, metrics),
        emotion_(emotion::MakeClassifier(config.emotion, std::move(model), targets_, metrics)),
        translators_(translation::MakeTranslators(config, targets_, *http_, translations, metrics)),
        summarizer_(config, targets_, memory, tasks),
        interaction_(config, targets_, emotion_.get(), translators_, &memory, &summarizer_, &cache,
                     admission, metrics),
        generation_(config, targets_, cache, admission, metrics),
        methods_(rpc::LunaMethods(interaction_, generation_, emotion_.get(),
                                  TranslatorOf(translators_, config.llm.default_target), memory,
                                  summarizer_, cache, admission, metrics)) {
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

  rpc::Worker worker(const Admission& admission, telemetry::Metrics& metrics,
                     const auth::Tokens* tokens) {
    return {&loop_, &interaction_, &methods_, &admission, &metrics, tokens};
  }

 private:
  net::EventLoop loop_;
  std::unique_ptr<net::HttpClient> http_;
  llm::Targets targets_;
  std::unique_ptr<EmotionClassifier> emotion_;
  Translators translators_;
  Summarizer summarizer_;
  Interaction interaction_;
  rpc::Generation generation_;
  rpc::Methods methods_;
};

int Refuse(const absl::Status& status) {
  std::cerr << "luna-server: " << std::string(status.message()) << std::endl;
  return kRefused;
}

// Signals are taken by sigwait alone. To be called before the first thread starts.
sigset_t BlockStopSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its limit is a write that fails
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Of a stream: its client's, its model's, and those of who is asked beside that.
rlim_t DescriptorsOfAStream(const config::Config& config) {
  const std::string& engine = config.translation.engine;
  const config::Target& target = config.llm.targets.at(config.llm.default_target);
  const bool translates = engine == "azure" || engine == "libretranslate" ||
                          config::TranslatorOf(config, target) != nullptr;
  return 2 + (translates ? 1 : 0) + (config.emotion.engine == "llm" ? 1 : 0);
}

// Raises the soft limit of descriptors to the hard one, and cuts server.max_streams to what that
// allows.
int StreamsThatFit(const config::Config& config) {
  constexpr rlim_t kOthers = 128;  // listeners, event loops, logs, the pool's idle connections
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t fit =
      limit.rlim_cur > kOthers ? (limit.rlim_cur - kOthers) / DescriptorsOfAStream(config) : 1;
  return static_cast<int>(std::min(fit, static_cast<rlim_t>(config.server.max_streams)));
}

absl::StatusOr<std::unique_ptr<storage::Database>> OpenDatabase(storage::DataDirectory& data) {
  const absl::Status ready = storage::Prepare(data.database(), data.left_uncleanly());
  if (!ready.ok()) return ready;
  try {
    auto on_damage = [&data, said = std::make_shared<std::once_flag>()] {
      data.MarkDamaged();
      std::call_once(*said, [&data] {
        spdlog::error("data_dir: {} is damaged; the next start sets it aside", data.database());
      });
    };
    return std::make_unique<storage::Database>(data.database(), std::move(on_damage));
  } catch (const SQLite::Exception& error) {
    return storage::AsStatus(error);
  }
}

// The page that luna ships with, or one without files.
http::Page ReadPage(const config::Server& options) {
  if (!options.page) return {};
  absl::StatusOr<http::Page> page = http::Page::Read(config::ShippedPath("web"));
  if (page.ok()) return *std::move(page);
  spdlog::warn("server.page: {}; there is no page at /", std::string(page.status().message()));
  return {};
}

int Serve(const config::Config& config) {
  const sigset_t stop_signals = BlockStopSignals();
  const int most_streams = StreamsThatFit(config);
  Admission admission(most_streams);
  telemetry::Metrics metrics;
  const std::shared_ptr<const emotion::Model> model = emotion::LoadModel(config);
  translation::WarnOfMissingKey(config.translation);
  translation::Cache translations;
  std::optional<auth::Tokens> tokens;
  if (!config.auth.tokens.empty()) tokens.emplace(config.auth.tokens);
  auto data = storage::DataDirectory::Open(config.data_dir);
  if (!data.ok()) return Refuse(data.status());
  auto database = OpenDatabase(**data);
  if (!database.ok()) return Refuse(database.status());
  ConversationMemory memory(config.memory, **database);
  ResponseCache cache(config.cache, **database, metrics);
  net::TaskGroup tasks(kMostSummaries);
  std::vector<std::unique_ptr<Core>> cores;
  std::vector<rpc::Worker> workers;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) {
    cores.push_back(std::make_unique<Core>(config, model, translations, memory, cache, tasks,
                                           admission, metrics));
    workers.push_back(cores.back()->worker(admission, metrics, tokens ? &*tokens : nullptr));
  }
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  const std::vector<const google::protobuf::ServiceDescriptor*> services = {
      pool->FindServiceByName("luna.v1.InteractionService"),
      pool->FindServiceByName("luna.v1.EmotionService"),
      pool->FindServiceByName("luna.v1.TranslationService"),
      pool->FindServiceByName("luna.v1.MemoryService"),
      pool->FindServiceByName("luna.v1.CacheService"),
      pool->FindServiceByName("luna.v1.GenerationService"),
  };
  auto http = http::Server::Listen(config.server, services, workers, ReadPage(config.server));
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
  const net::TimePoint drained = net::Clock::now() + config.server.drain;
  const bool all_ended = admission.WaitUntilEmpty(drained);
  if (!all_ended) {
    const absl::Status why = Admission::Stopping();
    (*http)->EndRequests(why);
    (*grpc)->EndCalls(why);
  }
  // Who takes his response slowly has until then, too.
  const net::TimePoint until = std::max(drained, net::Clock::now() + kLastWords);
  bool grpc_whole = false;
  std::thread grpc_stop([&] { grpc_whole = (*grpc)->Stop(until); });
  const bool http_whole = (*http)->Stop(until);
  grpc_stop.join();
  tasks.Stop();
  database->reset();  // ends what it still does for the loops
  return all_ended && http_whole && grpc_whole ? 0 : kCutShort;
}

// The token and the line are stdout's two lines, so that a script can take either.
int PrintNewToken(const std::string& user_id) {
  if (const std::string wrong = config::NotUserId(user_id); !wrong.empty()) {
    return Refuse(absl::InvalidArgumentError("--new-token: " + wrong));
  }
  const absl::StatusOr<auth::NewToken> made = auth::MakeToken();
  if (!made.ok()) return Refuse(made.status());
  std::cout << made->token << '\n' << made->sha256 << ' ' << user_id << std::endl;
  std::cerr << "The first line is the token, which is kept nowhere: give it to whom it is for. Add "
               "the second to auth.tokens_file and start luna-server again.\n";
  return 0;
}

// The hashes give no token away; but who may write to the file may become any user.
void WarnOfReaders(const std::string& tokens_file) {
  namespace fs = std::filesystem;
  if (tokens_file.empty()) return;
  std::error_code gone;  // it was there when the configuration was read
  const fs::perms perms = fs::status(tokens_file, gone).permissions();
  if (!gone && (perms & fs::perms::others_all) != fs::perms::none) {
    spdlog::warn("auth.tokens_file: {} is open to every user of this machine: chmod o= {}",
                 tokens_file, tokens_file);
  }
}

void WarnOfEveryPage(const config::Config& config) {
  const std::vector<std::string>& origins = config.server.cors_origins;
  if (!config.auth.tokens_file.empty() || std::count(origins.begin(), origins.end(), "*") == 0) {
    return;
  }
  spdlog::warn(
      "server.cors_origins: * without auth.tokens_file: every web page that is opened on this "
      "machine can read and delete all memory");
}

int Main(int argc, char** argv) {
  CLI::App app{"luna: a conversation server over gRPC and HTTP", "luna-server"};
  config::Flags flags;
  bool check = false;
  std::string user_id;
  app.add_option(
      "--config", flags.config,
      "the configuration (default: config/models.yaml, else that of the installation, such as "
      "/etc/luna/models.yaml)");
  app.add_option("--http", flags.http, "where HTTP listens, ADDRESS:PORT");
  app.add_option("--grpc", flags.grpc, "where gRPC listens, ADDRESS:PORT");
  app.add_option("--data-dir", flags.data_dir, "where what is kept is kept");
  const CLI::Option* new_token =
      app.add_option("--new-token", user_id,
                     "print a new token and its line for auth.tokens_file, and exit; *: a service "
                     "that may name any user")
          ->type_name("USER");
  app.add_flag("--check-config", check, "print what would be done, and exit");
  app.set_version_flag("--version", "luna " LUNA_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kRefused;
  }
  if (new_token->count() > 0) return PrintNewToken(user_id);
  spdlog::set_default_logger(spdlog::stderr_logger_mt("luna"));
  // A message that does not parse is an error of its sender, and answered as one.
  google::protobuf::SetLogHandler(nullptr);
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  const auto config = config::Load(flags, config::ProcessEnvironment());
  if (!config.ok()) return Refuse(config.status());
  WarnOfReaders(config->auth.tokens_file);
  WarnOfEveryPage(*config);
  if (check) {
    std::cout << config::Describe(*config);
    return 0;
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
