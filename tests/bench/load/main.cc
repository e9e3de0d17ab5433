#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include "tests/bench/load/cpu.h"
#include "tests/bench/load/load.h"

namespace luna::bench {
namespace {

struct Flags {
  std::string address;
  std::string body_file;
  double warmup = 1;
  double seconds = 3;
  double ramp = 0;
  int threads = 1;
  std::vector<pid_t> watch;
  std::vector<pid_t> beside;
};

struct Cpu {
  std::int64_t watched = 0;
  std::int64_t beside = 0;
  std::int64_t own = 0;
};

Cpu CpuNow(const Flags& flags) {
  return {CpuMilliseconds(flags.watch), CpuMilliseconds(flags.beside), OwnCpuMilliseconds()};
}

Nanos Seconds(double seconds) { return static_cast<Nanos>(seconds * 1e9); }

std::string ReadFile(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Says when all streams that make one request only have had their first frame.
void Announce(const std::atomic<int>& open, const std::atomic<bool>& over, int streams) {
  while (open < streams && !over) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  if (!over) std::cout << "open " << open << std::endl;
}

std::string Quote(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return quoted + "\"";
}

void Print(Record& all, double seconds, int open, const Cpu& begin, const Cpu& end) {
  std::printf(
      "{\"streams\": %lld, \"lost\": %lld, \"failures\": %lld, \"first_failure\": %s, \"open\": "
      "%d, "
      "\"requests\": %lld, \"frames\": %lld, \"seconds\": %.3f, \"cpu_ms\": %lld, "
      "\"beside_cpu_ms\": %lld, \"own_cpu_ms\": %lld, \"first_us\": %s, \"gap_us\": %s, "
      "\"whole_us\": %s}\n",
      static_cast<long long>(all.streams), static_cast<long long>(all.lost),
      static_cast<long long>(all.failures), Quote(all.first_failure).c_str(), open,
      static_cast<long long>(all.requests), static_cast<long long>(all.frames), seconds,
      static_cast<long long>(end.watched - begin.watched),
      static_cast<long long>(end.beside - begin.beside),
      static_cast<long long>(end.own - begin.own), Percentiles(all.first).c_str(),
      Percentiles(all.gap).c_str(), Percentiles(all.whole).c_str());
}

void Run(const Flags& flags, Plan plan) {
  RaiseDescriptorLimit();
  plan.address = ParseAddress(flags.address);
  if (!flags.body_file.empty()) plan.body = ReadFile(flags.body_file);
  plan.start = Now() + Seconds(0.01);
  plan.ramp = Seconds(flags.ramp);
  plan.window.begin = plan.start + (plan.once ? 0 : Seconds(flags.warmup));
  plan.window.end = plan.window.begin + (plan.once ? Seconds(3600) : Seconds(flags.seconds));

  // Each thread takes whole connections.
  const int connections = (plan.streams + plan.per_connection - 1) / plan.per_connection;
  const int threads = std::min(flags.threads, connections);
  std::atomic<int> open{0};
  std::atomic<bool> over{false};
  std::vector<std::unique_ptr<Load>> loads;
  for (int i = 0; i < threads; ++i) {
    const int from = connections * i / threads * plan.per_connection;
    const int to = std::min(connections * (i + 1) / threads * plan.per_connection, plan.streams);
    loads.push_back(std::make_unique<Load>(plan, from, to - from, open));
  }
  Cpu begin;
  Cpu end;
  std::vector<std::thread> running;
  for (int i = 1; i < threads; ++i) {
    running.emplace_back([&load = *loads[i]] { load.Run([] {}, [] {}); });
  }
  std::thread announcing([&] {
    if (plan.once) Announce(open, over, plan.streams);
  });
  loads[0]->Run([&] { begin = CpuNow(flags); }, [&] { end = CpuNow(flags); });
  for (auto& thread : running) thread.join();
  over = true;
  announcing.join();
  Record& all = loads[0]->record();
  for (int i = 1; i < threads; ++i) all.Add(loads[i]->record());
  Print(all, static_cast<double>(plan.window.end - plan.window.begin) / 1e9, open, begin, end);
}

}  // namespace
}  // namespace luna::bench

int main(int argc, char** argv) {
  using luna::bench::Flags;
  Flags flags;
  luna::bench::Plan plan;
  CLI::App app("Many streams over SSE or gRPC; each frame is counted. Prints one line of JSON.");
  app.add_flag("--grpc", plan.grpc, "calls Interact; else HTTP with SSE as the answer");
  app.add_option("--address", flags.address, "ADDRESS:PORT")->required();
  app.add_option("--path", plan.path, "of the HTTP request");
  app.add_option("--body", flags.body_file,
                 "a file: the JSON of a POST, or the message; without it HTTP is a GET");
  app.add_option("--streams", plan.streams, "at once")->check(CLI::PositiveNumber);
  app.add_option("--per-connection", plan.per_connection, "gRPC: streams that share a connection")
      ->check(CLI::PositiveNumber);
  app.add_option("--frames", plan.frames, "pieces that each answer must have");
  app.add_option("--sources", plan.sources, "addresses in 127.0.0.0/8 that it comes from")
      ->check(CLI::Range(1, 200));
  app.add_option("--warmup", flags.warmup, "seconds before what is measured")->take_last();
  app.add_option("--seconds", flags.seconds, "seconds that are measured");
  app.add_option("--ramp", flags.ramp, "seconds over which the streams start");
  app.add_flag("--once", plan.once,
               "one request a stream; prints \"open N\" once each has had its first frame");
  app.add_flag("--gaps", plan.gaps, "keeps the times between frames");
  app.add_option("--threads", flags.threads)->check(CLI::PositiveNumber);
  app.add_option("--watch", flags.watch, "processes whose processor time is counted");
  app.add_option("--beside", flags.beside, "others, counted apart");
  CLI11_PARSE(app, argc, argv);
  try {
    luna::bench::Run(flags, plan);
  } catch (const std::exception& error) {
    std::cerr << "bench-load: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
