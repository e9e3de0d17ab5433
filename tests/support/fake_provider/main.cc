#include <sys/resource.h>

#include <csignal>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "tests/support/fake_provider/service.h"

namespace luna::fake {
namespace {

namespace json = boost::json;

struct Flags {
  unsigned short port = 0;
  int threads = 1;
  int chunks = 5;
  std::string text = " 안녕";
  int first_ms = 0;
  int gap_ms = 0;
};

// `chunks` times the text, the first after `first_ms`, the others `gap_ms` apart; each is a write
// of its own, as model servers flush each token.
std::shared_ptr<const Script> DefaultScript(const Flags& flags) {
  json::array steps;
  if (flags.first_ms > 0) steps.push_back(json::object{{"pause_ms", flags.first_ms}});
  for (int i = 0; i < flags.chunks; ++i) {
    if (i > 0 && flags.gap_ms > 0) steps.push_back(json::object{{"pause_ms", flags.gap_ms}});
    steps.push_back(json::object{{"text", flags.text}, {"split", 1 << 20}});
  }
  steps.push_back(json::object{{"finish", "STOP"}});
  steps.push_back(json::object{{"done", true}});
  return Script::Parse(json::object{{"steps", std::move(steps)}});
}

using Contexts = std::vector<std::unique_ptr<asio::io_context>>;

asio::awaitable<void> Accept(tcp::acceptor& acceptor, Contexts& contexts, State& state) {
  for (std::size_t next = 0;; next = (next + 1) % contexts.size()) {
    tcp::socket socket = co_await acceptor.async_accept(*contexts[next], asio::use_awaitable);
    const auto executor = socket.get_executor();
    asio::co_spawn(executor, Serve(std::make_shared<Connection>(std::move(socket)), state),
                   asio::detached);
  }
}

// Thousands of streams need as many descriptors.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void Run(const Flags& flags) {
  RaiseDescriptorLimit();
  State state(DefaultScript(flags));
  Contexts contexts;
  for (int i = 0; i < flags.threads; ++i) {
    contexts.push_back(std::make_unique<asio::io_context>(1));
  }
  tcp::acceptor acceptor(*contexts[0], {asio::ip::address_v4::loopback(), flags.port});
  asio::co_spawn(*contexts[0], Accept(acceptor, contexts, state), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  asio::signal_set signals(*contexts[0], SIGINT, SIGTERM);
  signals.async_wait([&](boost::system::error_code, int) {
    for (auto& context : contexts) context->stop();
  });
  std::cout << "listening " << acceptor.local_endpoint().port() << std::endl;

  std::vector<std::thread> threads;
  for (auto& context : contexts) {
    threads.emplace_back([&context] {
      const auto work = asio::make_work_guard(*context);
      context->run();
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace luna::fake

int main(int argc, char** argv) {
  luna::fake::Flags flags;
  CLI::App app("A language-model provider that does what it is told to");
  app.add_option("--port", flags.port, "on 127.0.0.1; 0 takes a free one");
  app.add_option("--threads", flags.threads)->check(CLI::PositiveNumber);
  app.add_option("--chunks", flags.chunks, "how many pieces an answer has");
  app.add_option("--text", flags.text, "each piece");
  app.add_option("--first-ms", flags.first_ms, "before the first piece");
  app.add_option("--gap-ms", flags.gap_ms, "between two pieces");
  CLI11_PARSE(app, argc, argv);
  try {
    luna::fake::Run(flags);
  } catch (const std::exception& error) {
    std::cerr << "fake-provider: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
