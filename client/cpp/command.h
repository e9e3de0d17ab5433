#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <grpcpp/support/status.h>

#include "client/cpp/interrupts.h"
#include "client/cpp/luna_client.h"
#include "client/cpp/output.h"

namespace luna::client {

// What `luna` ends with. A signal that stopped it is 128 and its number.
enum Exit {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,        // wrong usage, or a request that the server found wrong
  kUnreachable = 3,  // no server answers
  kNotAllowed = 4,   // no token, or not this one
  kNotFound = 5,
  kLater = 6,  // the same may go well later: overloaded, stopping, too slow, a quota, no model
};

// What every command takes.
struct Options {
  std::string server = "127.0.0.1:50051";
  std::string user;
  std::string session;
  std::string target;
  std::string language;
  double timeout = 0;  // seconds; 0: none
  bool json = false;
};

void AddOptions(CLI::App& app, Options& options);

// Parses what followed a command's name. Where that is wrong, or was only a question for help, it
// has been said, and the exit code is given.
std::optional<int> Parse(CLI::App& app, std::vector<std::string> arguments);

// What a command runs with.
struct Shell {
  Client& client;
  Interrupts& interrupts;
  Output& output;
  Options& options;

  // A request that is the user's, with messages in his language.
  template <class Request>
  Request New() const {
    Request request;
    request.set_user_id(options.user);
    request.set_language(options.language);
    return request;
  }

  // Runs `call` so that Ctrl-C and --timeout end it, and gives the exit code for how it ended,
  // having said what failed.
  int Run(const std::function<grpc::Status(const CallLimits&)>& call);

  // The same for an RPC with one response, which `print` shows, unless it is shown as JSON.
  template <class Stub, class Request, class Response>
  int Show(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
           const Request& request, const std::function<void(const Response&)>& print) {
    Response response;
    const int code = Run(
        [&](const CallLimits& limits) { return client.Call(method, request, response, limits); });
    if (code != kOk) return code;
    if (options.json) {
      output.WriteJson(response);
    } else {
      print(response);
    }
    return output.closed() ? kFailed : kOk;
  }
};

using Arguments = std::vector<std::string>;

// Each parses its arguments and does what `luna NAME` does.
int Ask(Shell& shell, Arguments arguments);
int Chat(Shell& shell, Arguments arguments);
int MemoryRecent(Shell& shell, Arguments arguments);
int MemorySearch(Shell& shell, Arguments arguments);
int MemoryExport(Shell& shell, Arguments arguments);
int MemoryImport(Shell& shell, Arguments arguments);
int MemoryClear(Shell& shell, Arguments arguments);
int CacheStats(Shell& shell, Arguments arguments);
int CacheClear(Shell& shell, Arguments arguments);
int Translate(Shell& shell, Arguments arguments);
int Analyze(Shell& shell, Arguments arguments);
int Models(Shell& shell, Arguments arguments);

// The words of a question, or stdin where there are none. nullopt, and said why: not UTF-8, or
// nothing.
std::optional<std::string> TextOf(const std::vector<std::string>& words);

// Says `question` on a terminal and waits for a yes. False without one, which is said.
bool Confirmed(const std::string& question);

}  // namespace luna::client
