#include "client/cpp/command.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <iterator>

namespace luna::client {
namespace {

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

Exit ExitOf(grpc::StatusCode code) {
  switch (code) {
    case grpc::INVALID_ARGUMENT:
      return kUsage;
    case grpc::UNAUTHENTICATED:
    case grpc::PERMISSION_DENIED:
      return kNotAllowed;
    case grpc::NOT_FOUND:
      return kNotFound;
    case grpc::UNAVAILABLE:
    case grpc::RESOURCE_EXHAUSTED:
    case grpc::DEADLINE_EXCEEDED:
      return kLater;
    default:
      return kFailed;
  }
}

// The cause at the end of gRPC's chain of causes, such as "Connection refused".
std::string CauseOf(const grpc::Status& status) {
  const std::string message = status.error_message();
  const std::size_t colon = message.rfind(": ");
  return colon == message.npos ? message : message.substr(colon + 2);
}

void Complain(const std::string& text) {
  std::cerr << Red("luna: " + Printable(text), STDERR_FILENO) << '\n';
}

}  // namespace

void AddOptions(CLI::App& app, Options& options) {
  constexpr int kColumn = 22;
  app.get_formatter()->column_width(kColumn);
  app.set_help_flag("-h,--help", "Print this");
  app.add_option("--server", options.server, "Where luna listens for gRPC (LUNA_SERVER)")
      ->type_name("ADDRESS");
  app.add_option("--user", options.user, "Whose memory and cache it is")->type_name("NAME");
  app.add_option("--session", options.session, "Which conversation")->type_name("NAME");
  app.add_option("--target", options.target, "Which configured model answers")->type_name("NAME");
  app.add_option("--language", options.language, "Of messages: ko or en")->type_name("NAME");
  app.add_option("--timeout", options.timeout, "After how long it is given up")
      ->check(CLI::Range(0.0, 86400.0))
      ->type_name("SECONDS");
  app.add_flag("--json", options.json, "Print each event or response as a line of JSON");
}

std::optional<int> Parse(CLI::App& app, std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  return std::nullopt;
}

int Shell::Run(const std::function<grpc::Status(const CallLimits&)>& call) {
  const auto timeout =
      std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(options.timeout));
  const grpc::Status status = call({interrupts.Begin(), timeout});
  const int signal = interrupts.End();
  output.EndLine();
  if (output.closed()) return kFailed;
  if (status.ok()) return kOk;
  if (signal != 0) return 128 + signal;
  if (const std::string code = CodeOf(status); !code.empty()) {
    Complain(code + ": " + status.error_message());
  } else if (status.error_code() != grpc::StatusCode::UNAVAILABLE) {
    Complain(NameOf(status.error_code()) + (": " + status.error_message()));
    // gRPC's own is a message that is too large, and no more.
    if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) return kUsage;
  } else {
    Complain("UNAVAILABLE: no luna server answers at " + options.server + ": " + CauseOf(status) +
             ". ./run serve starts one.");
    return kUnreachable;
  }
  return ExitOf(status.error_code());
}

std::optional<std::string> TextOf(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  if (words.empty()) {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
    text.erase(text.find_last_not_of("\r\n") + 1);
  }
  if (text.empty()) {
    Complain("nothing to send: luna \"question\", or text on stdin");
  } else if (!IsUtf8(text)) {
    Complain("the text is not UTF-8");
  } else {
    return text;
  }
  return std::nullopt;
}

bool Confirmed(const std::string& question) {
  if (isatty(STDIN_FILENO) == 0) {
    Complain(question + " Say --yes.");
    return false;
  }
  std::cerr << question << " [y/N] " << std::flush;
  std::string line;
  std::getline(std::cin, line);
  return line == "y" || line == "Y" || line == "yes";
}

}  // namespace luna::client
