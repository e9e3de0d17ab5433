// The command `luna`: asks a luna server and prints the answer as it comes.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/support/status.h>
#include <unicode/utf8.h>

#include "client/cpp/interrupts.h"
#include "client/cpp/luna_client.h"

namespace luna::client {
namespace {

enum Exit { kOk = 0, kFailed = 1, kUsage = 2, kUnreachable = 3 };

struct Options {
  std::vector<std::string> words;
  std::string server = "127.0.0.1:50051";
  bool json = false;
  v1::InteractRequest request;
};

// The whole of stdout, unbuffered: what came is seen at once.
class Output {
 public:
  // False once stdout takes no more, as after its reader has left.
  bool Write(std::string_view text) {
    while (!text.empty() && !closed_) {
      const ssize_t written = write(STDOUT_FILENO, text.data(), text.size());
      if (written >= 0) {
        inside_line_ = text[written - 1] != '\n';
        text.remove_prefix(written);
      } else if (errno != EINTR) {
        closed_ = true;
        if (errno != EPIPE) std::cerr << "luna: stdout: " << std::strerror(errno) << '\n';
      }
    }
    return !closed_;
  }

  void EndLine() {
    if (inside_line_) Write("\n");
  }

  bool closed() const { return closed_; }

 private:
  bool inside_line_ = false;
  bool closed_ = false;
};

std::string ToJsonLine(const v1::InteractResponse& event) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string line;
  const auto printed = google::protobuf::util::MessageToJsonString(event, &line, options);
  if (!printed.ok()) throw std::runtime_error(printed.ToString());
  return line + "\n";
}

void Complain(std::string_view code, std::string_view message) {
  std::cerr << "luna: " << code << ": " << message << '\n';
}

const char* NameOf(grpc::StatusCode code) {
  constexpr std::array kNames = {"OK",
                                 "CANCELLED",
                                 "UNKNOWN",
                                 "INVALID_ARGUMENT",
                                 "DEADLINE_EXCEEDED",
                                 "NOT_FOUND",
                                 "ALREADY_EXISTS",
                                 "PERMISSION_DENIED",
                                 "RESOURCE_EXHAUSTED",
                                 "FAILED_PRECONDITION",
                                 "ABORTED",
                                 "OUT_OF_RANGE",
                                 "UNIMPLEMENTED",
                                 "INTERNAL",
                                 "UNAVAILABLE",
                                 "DATA_LOSS",
                                 "UNAUTHENTICATED"};
  return code >= 0 && code < static_cast<int>(kNames.size()) ? kNames[code] : "UNKNOWN";
}

// The cause at the end of gRPC's chain of causes, such as "Connection refused".
std::string CauseOf(const grpc::Status& status) {
  const std::string message = status.error_message();
  const std::size_t colon = message.rfind(": ");
  return colon == message.npos ? message : message.substr(colon + 2);
}

bool IsUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    UChar32 character;
    U8_NEXT(text, at, text.size(), character);
    if (character < 0) return false;
  }
  return true;
}

// Asks one question and prints what comes; returns the exit code.
int Ask(Client& client, const Options& options, Interrupts& interrupts, Output& output) {
  if (!IsUtf8(options.request.input())) {
    std::cerr << "luna: the question is not UTF-8\n";
    return kUsage;
  }
  v1::InteractResponse last;
  const grpc::Status status = client.Interact(
      options.request,
      [&](const v1::InteractResponse& event) {
        last = event;
        if (options.json) return output.Write(ToJsonLine(event));
        return !event.has_llm_chunk() || output.Write(event.llm_chunk().text());
      },
      interrupts.Begin());
  const int signal = interrupts.End();
  output.EndLine();
  if (last.has_error()) {
    Complain(last.error().code(), last.error().message());
  } else if (status.ok() && !output.closed()) {
    return kOk;
  } else if (signal != 0) {
    return 128 + signal;
  } else if (output.closed()) {
    return kFailed;
  } else if (const std::string code = CodeOf(status); !code.empty()) {
    Complain(code, status.error_message());
  } else if (status.error_code() != grpc::StatusCode::UNAVAILABLE) {
    Complain(NameOf(status.error_code()), status.error_message());
  } else if (last.sequence() > 0) {
    Complain("UNAVAILABLE", "lost the connection to " + options.server);
  } else {
    Complain("UNAVAILABLE", "no luna server answers at " + options.server + ": " + CauseOf(status) +
                                ". ./run serve starts one.");
    return kUnreachable;
  }
  return kFailed;
}

// Asks each line of a terminal until its end. Ctrl-C stops an answer; at the prompt it ends the
// chat.
int Chat(Client& client, Options& options, Interrupts& interrupts, Output& output) {
  std::string line;
  while (std::cerr << "> " << std::flush, std::getline(std::cin, line)) {
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    options.request.set_input(line);
    const int code = Ask(client, options, interrupts, output);
    if (code == 128 + SIGTERM || output.closed()) return code;
  }
  std::cerr << '\n';
  return kOk;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string ReadStdin() {
  std::string text(std::istreambuf_iterator<char>(std::cin), {});
  text.erase(text.find_last_not_of("\r\n") + 1);
  return text;
}

int Run(int argc, char** argv) {
  Options options;
  std::string& user = *options.request.mutable_user_id();
  CLI::App app(
      "Asks a luna server and prints the answer as it comes.\n"
      "Without a question: reads it from stdin; on a terminal, chats.\n"
      "A server that wants a token gets the one in LUNA_TOKEN.",
      "luna");
  app.footer(
      "Exit code: 0 answered, 1 the answer failed, 2 wrong usage, 3 no server reached, 130 "
      "Ctrl-C.");
  app.add_option("question", options.words, "What to ask");
  app.add_flag("--json", options.json, "Print each event as a line of JSON");
  app.add_option("--server", options.server, "Where luna listens for gRPC")
      ->envname("LUNA_SERVER")
      ->capture_default_str();
  app.add_option("--target", *options.request.mutable_target(), "Which configured model answers");
  app.add_option("--user", user, "Whose memory and cache to use");
  app.add_option("--session", *options.request.mutable_session_id(), "Which conversation this is");
  app.add_option("--language", *options.request.mutable_language(), "Of messages: ko or en");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
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
  if (options.words.empty() && isatty(STDIN_FILENO)) {
    return Chat(client, options, interrupts, output);
  }
  options.request.set_input(options.words.empty() ? ReadStdin() : Joined(options.words));
  if (options.request.input().empty()) {
    std::cerr << "luna: no question: luna \"question\", or text on stdin\n";
    return kUsage;
  }
  return Ask(client, options, interrupts, output);
}

}  // namespace
}  // namespace luna::client

int main(int argc, char** argv) { return luna::client::Run(argc, argv); }
