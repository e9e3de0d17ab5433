#include <array>
#include <csignal>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "tests/chaos/harm.h"

// Forwards to a provider, and harms a share of what comes back, in the middle of a body, by chance
// but by a seed that is said. One thread. Upon SIGTERM it says how often it did what, a line
// `responses=N delay=N ...`.
namespace luna::chaos {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);

struct Flags {
  unsigned short upstream = 0;
  std::uint64_t seed = 0;
  double share = 0.75;
  std::size_t span = 1000;
};

struct Chaos {
  explicit Chaos(const Flags& f) : flags(f), random(f.seed) {}

  Response Next() { return Response::Draw(random, flags.share, flags.span); }

  const Flags flags;
  std::mt19937_64 random;
  int responses = 0;
  std::array<int, kHarmNames.size()> done{};
};

class Link : public std::enable_shared_from_this<Link> {
 public:
  Link(tcp::socket client, Chaos& chaos)
      : client_(std::move(client)),
        provider_(client_.get_executor()),
        timer_(client_.get_executor()),
        chaos_(chaos),
        response_(chaos.Next()) {}

  ~Link() { Count(); }

  asio::awaitable<void> Run() {
    const auto self = shared_from_this();
    const tcp::endpoint provider(asio::ip::address_v4::loopback(), chaos_.flags.upstream);
    auto [error] = co_await provider_.async_connect(provider, kResult);
    if (error) co_return Close();
    provider_.set_option(tcp::no_delay(true));
    client_.set_option(tcp::no_delay(true));
    asio::co_spawn(
        client_.get_executor(), [self]() { return self->Respond(); }, asio::detached);
    std::array<char, 16384> buffer;
    for (;;) {
      auto [failed, size] = co_await client_.async_read_some(asio::buffer(buffer), kResult);
      if (failed) co_return Close();
      if (response_->begun()) {
        Count();
        response_.emplace(chaos_.Next());
      }
      auto [lost, sent] =
          co_await asio::async_write(provider_, asio::buffer(buffer.data(), size), kResult);
      if (lost) co_return Close();
    }
  }

 private:
  asio::awaitable<void> Respond() {
    const auto self = shared_from_this();
    std::array<char, 16384> buffer;
    for (;;) {
      auto [failed, size] = co_await provider_.async_read_some(asio::buffer(buffer), kResult);
      if (failed) co_return Close();
      const std::vector<Step> steps = response_->Take({buffer.data(), size});
      for (const Step& step : steps) {
        const bool goes_on = co_await Play(step);
        if (!goes_on) co_return;
      }
    }
  }

  asio::awaitable<bool> Play(const Step& step) {
    if (step.pause.count() > 0) {
      timer_.expires_after(step.pause);
      co_await timer_.async_wait(kResult);
    }
    auto [error, size] = co_await asio::async_write(client_, asio::buffer(step.bytes), kResult);
    if (!error && step.end == Step::End::kNo) co_return true;
    if (step.end == Step::End::kReset && client_.is_open()) {
      client_.set_option(asio::socket_base::linger(true, 0));
    }
    Close();
    co_return false;
  }

  void Count() {
    if (!response_->begun()) return;
    ++chaos_.responses;
    ++chaos_.done[static_cast<std::size_t>(response_->done())];
  }

  void Close() {
    boost::system::error_code ignored;  // closing twice
    client_.close(ignored);
    provider_.close(ignored);
  }

  tcp::socket client_;
  tcp::socket provider_;
  asio::steady_timer timer_;
  Chaos& chaos_;
  std::optional<Response> response_;
};

asio::awaitable<void> Accept(tcp::acceptor& acceptor, Chaos& chaos) {
  for (;;) {
    auto link = std::make_shared<Link>(co_await acceptor.async_accept(asio::use_awaitable), chaos);
    asio::co_spawn(
        acceptor.get_executor(), [link]() { return link->Run(); }, asio::detached);
  }
}

void Run(const Flags& flags) {
  Chaos chaos(flags);
  {
    asio::io_context context(1);
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    asio::co_spawn(context, Accept(acceptor, chaos), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](boost::system::error_code, int) { context.stop(); });
    std::cout << "listening " << acceptor.local_endpoint().port() << " seed " << flags.seed
              << std::endl;
    context.run();
  }
  std::cout << "responses=" << chaos.responses;
  for (std::size_t i = 0; i < kHarmNames.size(); ++i) {
    std::cout << " " << kHarmNames[i] << "=" << chaos.done[i];
  }
  std::cout << std::endl;
}

}  // namespace
}  // namespace luna::chaos

int main(int argc, char** argv) {
  luna::chaos::Flags flags;
  flags.seed = std::random_device{}();
  CLI::App app("Stands between luna and a provider and harms what the provider sends");
  app.add_option("--upstream", flags.upstream, "the provider's port on 127.0.0.1")->required();
  app.add_option("--seed", flags.seed, "of what is left to chance (default: a new one)");
  app.add_option("--share", flags.share, "of the responses is harmed")->check(CLI::Range(0.0, 1.0));
  app.add_option("--span", flags.span, "harm comes within so many bytes of the body");
  CLI11_PARSE(app, argc, argv);
  try {
    luna::chaos::Run(flags);
  } catch (const std::exception& error) {
    std::cerr << "chaos-proxy: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
