// The command `luna`: asks a luna server, and shows what it remembers.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "client/cpp/command.h"

namespace luna::client {
namespace {

struct Command {
  const char* name;  // one word, or two
  int (*run)(Shell&, Arguments);
};

constexpr Command kCommands[] = {
    {"ask", Ask},
    {"chat", Chat},
    {"memory recent", MemoryRecent},
    {"memory search", MemorySearch},
    {"memory export", MemoryExport},
    {"memory import", MemoryImport},
    {"memory clear", MemoryClear},
    {"cache stats", CacheStats},
    {"cache clear", CacheClear},
    {"translate", Translate},
    {"analyze", Analyze},
    {"models", Models},
};

constexpr char kOverview[] =
    "Commands, each with --help:\n"
    "  ask, chat                                     as without a command\n"
    "  memory recent|search|export|import|clear      what is remembered\n"
    "  cache stats|clear                             the answers that are kept\n"
    "  translate, analyze, models                    see their --help\n"
    "\n"
    "Exit code: 0 done, 1 failed, 2 wrong usage, 3 no server reached, 4 not allowed,\n"
    "5 not found, 6 may go well later, 130 Ctrl-C. More: man luna.";

// Takes the command's name off the arguments. nullptr: they begin with none.
const Command* TakeCommand(Arguments& arguments) {
  for (const Command& command : kCommands) {
    const std::string name = command.name;
    const std::size_t space = name.find(' ');
    const std::size_t words = space == name.npos ? 1 : 2;
    if (arguments.size() < words || arguments[0] != name.substr(0, space)) continue;
    if (words == 2 && arguments[1] != name.substr(space + 1)) continue;
    arguments.erase(arguments.begin(), arguments.begin() + words);
    return &command;
  }
  return nullptr;
}

bool IsGroup(const std::string& word) {
  return std::any_of(std::begin(kCommands), std::end(kCommands), [&](const Command& command) {
    return std::string_view(command.name).starts_with(word + " ");
  });
}

// One that is closed would become a socket's, which would then get the answer. Reading from or
// writing to it fails as before.
void OccupyClosedDescriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) != -1) continue;
    open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

int Run(int argc, char** argv) {
  OccupyClosedDescriptors();
  Options options;
  const char* server = std::getenv("LUNA_SERVER");
  if (server != nullptr && *server != '\0') options.server = server;
  CLI::App app(
      "luna \"QUESTION\" asks a luna server and prints the answer as it comes. Without a\n"
      "question a terminal chats, and a pipe asks what it carries.",
      "luna");
  AddOptions(app, options);
  app.prefix_command();
  app.footer(kOverview);
  app.set_version_flag("--version", "luna " LUNA_VERSION, "Print the version");
  if (const std::optional<int> code = Parse(app, {argv + 1, argv + argc})) return *code;
  Arguments arguments = app.remaining();
  const char* variable = std::getenv("LUNA_TOKEN");
  const std::string token = variable == nullptr ? "" : variable;
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; })) {
    std::cerr << "luna: LUNA_TOKEN: a token is ASCII without white space\n";
    return kUsage;
  }
  signal(SIGPIPE, SIG_IGN);
  static Interrupts& interrupts = *new Interrupts;  // Its thread outlives every scope.
  Client client(options.server, token);
  Output output;
  Shell shell{client, interrupts, output, options};
  if (arguments.empty()) {
    return isatty(STDIN_FILENO) != 0 ? Chat(shell, {}) : Ask(shell, {});
  }
  if (const Command* command = TakeCommand(arguments)) {
    return command->run(shell, std::move(arguments));
  }
  if (IsGroup(arguments[0])) {
    std::cerr << "luna: " << arguments[0] << ": what of it? luna --help lists the commands. "
              << "luna ask " << arguments[0] << " asks the word.\n";
    return kUsage;
  }
  return Ask(shell, std::move(arguments));
}

}  // namespace
}  // namespace luna::client

int main(int argc, char** argv) { return luna::client::Run(argc, argv); }
