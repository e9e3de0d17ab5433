// `luna ask` and `luna chat`.

#include <editline/readline.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "client/cpp/command.h"

namespace luna::client {
namespace {

constexpr int kMostHistoryLines = 1000;

// What is shown beside an answer.
struct Aside {
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  v1::InteractResponse emotion{};
  v1::InteractResponse translation{};
  double first_word = 0;  // seconds
  bool cached = false;

  void Note(const v1::InteractResponse& event) {
    if (event.has_emotion()) emotion = event;
    if (event.has_translation()) translation = event;
    if (event.has_complete()) cached = event.complete().cached();
    if (event.has_llm_chunk() && first_word == 0) {
      first_word = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
  }

  std::string Text() const {
    char buffer[64];
    std::string text;
    if (emotion.has_emotion()) {
      std::snprintf(buffer, sizeof buffer, " %.0f %%, ", 100 * emotion.emotion().confidence());
      text += emotion.emotion().emotion() + buffer;
    }
    std::snprintf(buffer, sizeof buffer, "first word after %.2f s", first_word);
    text += buffer;
    if (cached) text += ", cached";
    if (translation.has_translation()) text += "\n" + translation.translation().text();
    return text;
  }
};

int AskOnce(Shell& shell, const std::string& text, Aside* aside) {
  v1::InteractRequest request;
  request.set_input(text);
  request.set_user_id(shell.options.user);
  request.set_session_id(shell.options.session);
  request.set_target(shell.options.target);
  request.set_language(shell.options.language);
  return shell.Run([&](const CallLimits& limits) {
    return shell.client.Interact(
        request,
        [&](const v1::InteractResponse& event) {
          if (aside != nullptr) aside->Note(event);
          if (shell.options.json) return shell.output.WriteJson(event);
          return !event.has_llm_chunk() || shell.output.Write(event.llm_chunk().text());
        },
        limits);
  });
}

// Where lines are kept from one chat to the next; empty: nowhere.
std::string HistoryFile() {
  if (const char* named = std::getenv("LUNA_HISTORY")) return named;
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder;
  if (state != nullptr && *state != '\0') {
    folder = state;
  } else if (home != nullptr && *home != '\0') {
    folder = std::filesystem::path(home) / ".local/state";
  } else {
    return "";
  }
  return folder / "luna/history";
}

// Lines from a terminal, with editing and a history.
class Editor {
 public:
  Editor() : file_(HistoryFile()) {
    // Hangul is edited by the character, also where the environment says nothing of UTF-8.
    if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1) {
      std::setlocale(LC_CTYPE, "C.UTF-8");
    }
    rl_outstream = stderr;
    rl_initialize();
    using_history();
    stifle_history(kMostHistoryLines);
    if (!file_.empty()) read_history(file_.c_str());
  }

  // nullopt at the end of the input.
  std::optional<std::string> Line() {
    char* const read = readline("> ");
    if (read == nullptr) return std::nullopt;
    std::string line = read;
    std::free(read);
    if (!IsBlank(line)) Keep(line);
    return line;
  }

  static bool IsBlank(const std::string& line) {
    return line.find_first_not_of(" \t\r") == line.npos;
  }

 private:
  void Keep(const std::string& line) {
    add_history(line.c_str());
    if (file_.empty()) return;
    std::error_code failed;
    std::filesystem::create_directories(std::filesystem::path(file_).parent_path(), failed);
    const mode_t before = umask(S_IRWXG | S_IRWXO);
    const bool written = !failed && write_history(file_.c_str()) == 0;
    umask(before);
    if (written) return;
    std::cerr << "luna: " << file_ << ": the history could not be written\n";
    file_.clear();
  }

  std::string file_;
};

std::optional<std::string> ReadLine() {
  std::string line;
  if (!std::getline(std::cin, line)) return std::nullopt;
  return line;
}

}  // namespace

int Ask(Shell& shell, Arguments arguments) {
  std::vector<std::string> words;
  CLI::App app("Prints the answer as it comes. The question may also stand on stdin.", "luna ask");
  app.add_option("question", words, "What to ask");
  AddOptions(app, shell.options);
  if (const std::optional<int> code = Parse(app, std::move(arguments))) return *code;
  const std::optional<std::string> text = TextOf(words);
  return text ? AskOnce(shell, *text, nullptr) : kUsage;
}

int Chat(Shell& shell, Arguments arguments) {
  CLI::App app(
      "Asks line by line. Ctrl-C stops an answer, at the prompt it ends the chat, as Ctrl-D does.",
      "luna chat");
  AddOptions(app, shell.options);
  if (const std::optional<int> code = Parse(app, std::move(arguments))) return *code;
  std::optional<Editor> editor;
  if (isatty(STDIN_FILENO) != 0) editor.emplace();
  int failed = kOk;
  while (const std::optional<std::string> line = editor ? editor->Line() : ReadLine()) {
    if (Editor::IsBlank(*line)) continue;
    if (!IsUtf8(*line)) {
      std::cerr << "luna: the line is not UTF-8\n";
      failed = kUsage;
      continue;
    }
    Aside aside;
    const int code = AskOnce(shell, *line, &aside);
    if (code == 128 + SIGTERM || shell.output.closed()) return code;
    if (code != kOk) failed = code;
    if (code == kOk && isatty(STDERR_FILENO) != 0 && !shell.options.json) {
      std::cerr << Dim(Printable(aside.Text()), STDERR_FILENO) << "\n\n";
    }
  }
  if (!editor) return failed;
  std::cerr << '\n';
  return kOk;
}

}  // namespace luna::client
