// `luna memory ...`: what is remembered.

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iostream>
#include <optional>
#include <string_view>

#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>

#include "client/cpp/command.h"
#include "luna/v1/memory.grpc.pb.h"

namespace luna::client {
namespace {

using google::protobuf::Timestamp;
using google::protobuf::util::TimeUtil;
using Memory = v1::MemoryService::Stub;

// Of a file to import, in one request, unless a line is longer; the server takes 4 MiB.
constexpr std::size_t kMostPartBytes = 1 << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string LocalTime(const Timestamp& time) {
  const std::time_t seconds = time.seconds();
  std::tm local{};
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", localtime_r(&seconds, &local));
  return text;
}

// The passage with what was searched for in brackets.
std::string SnippetOf(const v1::Conversation& turn) {
  std::string snippet;
  for (const v1::SnippetPart& part : turn.snippet()) {
    absl::StrAppend(&snippet, part.match() ? "[" : "", part.text(), part.match() ? "]" : "");
  }
  return snippet;
}

// All that `file` holds; nullopt: it cannot be read.
std::optional<std::string> Content(std::istream& file) {
  std::string content;
  char block[1 << 16];
  while (file.read(block, sizeof block), file.gcount() > 0) content.append(block, file.gcount());
  if (!file.eof()) return std::nullopt;
  return content;
}

// The beginning of `data` that ends with a line and is not too large; at least one line.
// luna-core's list is one, however many lines it has.
std::string_view NextPart(std::string_view data) {
  const std::size_t begin = data.find_first_not_of(" \t\r\n");
  const bool is_list = begin != data.npos && data[begin] == '[';
  if (is_list || data.size() <= kMostPartBytes) return data;
  std::size_t end = data.rfind('\n', kMostPartBytes - 1);
  if (end == data.npos) end = data.find('\n');
  return data.substr(0, end == data.npos ? end : end + 1);
}

}  // namespace

int MemoryRecent(Shell& shell, Arguments arguments) {
  int count = 10;
  CLI::App app("Shows the last turns of all conversations, the newest last.", "luna memory recent");
  app.add_option("--count", count, "How many")->capture_default_str();
  AddOptions(app, shell.options);
  if (const std::optional<int> code = Parse(app, std::move(arguments))) return *code;
  auto request = shell.New<v1::ListRecentRequest>();
  request.set_count(count);
  const std::function print = [&](const v1::ListRecentResponse& response) {
    auto turns = response.recent_conversations();
    std::reverse(turns.begin(), turns.end());
    for (const v1::RecentConversation& turn : turns) {
      shell.output.Write(absl::StrCat(LocalTime(turn.timestamp()), "  ", turn.metadata().emotion(),
                                      "\n> ", turn.user(), "\n", turn.assistant(), "\n\n"));
    }
  };
  return shell.Show(&Memory::ListRecent, request, print);
}

int MemorySearch(Shell& shell, Arguments arguments) {
  std::vector<std::string> words;
  std::string emotion;
  std::string since;
  std::string until;
  int limit = 20;
  CLI::App app("Finds the turns in which every word stands, the best match first.",
               "luna memory search");
  app.add_option("words", words, "What to look for; a word is found within another");
  app.add_option("--emotion", emotion, "Only where this was felt");
  app.add_option("--since", since, "Not before this time, such as 2026-01-31T00:00:00Z");
  app.add_option("--until", until, "Before this time");
  app.add_option("--limit", limit, "How many at most")->capture_default_str();
  AddOptions(app, shell.options);
  if (const std::optional<int> code = Parse(app, std::move(arguments))) return *code;
  auto request = shell.New<v1::SearchConversationsRequest>();
  request.set_emotion(emotion);
  for (const auto& [text, time] :
       {std::pair(&since, &v1::SearchConversationsRequest::mutable_since),
        std::pair(&until, &v1::SearchConversationsRequest::mutable_until)}) {
    if (text->empty() || TimeUtil::FromString(*text, (request.*time)())) continue;
    std::cerr << "luna: " << *text << ": not a time such as 2026-01-31T00:00:00Z\n";
    return kUsage;
  }
  for (const std::string& word : words) {
    absl::StrAppend(request.mutable_keyword(), request.keyword().empty() ? "" : " ", word);
  }
  if (!IsUtf8(request.keyword())) {
    std::cerr << "luna: the words are not UTF-8\n";
    return kUsage;
  }
  request.set_session_id(shell.options.session);
  request.set_limit(limit);
  const std::function print = [&](const v1::SearchConversationsResponse& response) {
    for (const v1::Conversation& turn : response.results()) {
      shell.output.Write(
          absl::StrCat("#", turn.id(), "  ", LocalTime(turn.timestamp()), "  ", turn.session_id(),
                       "  ", turn.emotion(), "\n",
                       turn.snippet().empty() ? turn.user_message() : SnippetOf(turn), "\n\n"));
    }
    shell.output.Write(absl::StrCat(response.count(), " of ", response.total(), "\n"));
  };
  return shell.Show(&Memory::SearchConversations, request, print);
}

int MemoryExport(Shell& shell, Arguments arguments) {
  CLI::App app("Writes the user's whole memory to stdout, a line of JSON each.",
               "luna memory export");
  AddOptions(app, shell.options);
  if (const std::optional<int> code = Parse(app, std::move(arguments))) return *code;
  auto request = shell.New<v1::ExportRequest>();
  const std::function write = [&](const v1::ExportResponse& line) {
    return shell.output.WriteJson(line);
  };
  return shell.Run([&](const CallLimits& limits) {
    return shell.client.Stream(&Memory::Export, request, write, limits);
  });
}

int MemoryImport(Shell& shell, Arguments arguments) {
  std::string name;
  CLI::App app(
      "Adds what export wrote, or luna-core's conversation_history.json; what is there already is "
      "left out.",
      "luna memory import");
  app.add_option("file", name, "The file; - is stdin")->required();
  AddOptions(app, shell.options);
  if (const std::optional<int> code = Parse(app, std::move(arguments))) return *code;
  std::ifstream file;
  if (name != "-") file.open(name, std::ios::binary);
  std::istream& source = name == "-" ? std::cin : file;
  const std::optional<std::string> data = Content(source);
  if (!data) {
    std::cerr << "luna: " << name << ": cannot be read\n";
    return kUsage;
  }
  v1::ImportResponse whole;
  std::string_view rest = *data;
  if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
  do {
    const auto lines_before = std::count(data->begin(), data->end() - rest.size(), '\n');
    auto request = shell.New<v1::ImportRequest>();
    request.set_data(std::string(NextPart(rest)));
    rest.remove_prefix(request.data().size());
    v1::ImportResponse part;
    const int code = shell.Run([&](const CallLimits& limits) {
      return shell.client.Call(&Memory::Import, request, part, limits);
    });
    whole.set_imported(whole.imported() + part.imported());
    whole.set_skipped(whole.skipped() + part.skipped());
    if (code == kOk) continue;
    std::cerr << "luna: " << whole.imported() << " were imported before that";
    if (lines_before > 0) {
      std::cerr << ", from the first " << lines_before << " lines, which it does not count";
    }
    std::cerr << '\n';
    return code;
  } while (!rest.empty());
  if (shell.options.json) {
    shell.output.WriteJson(whole);
  } else {
    shell.output.Write(
        absl::StrCat(whole.imported(), " imported, ", whole.skipped(), " were there already\n"));
  }
  return shell.output.closed() ? kFailed : kOk;
}

int MemoryClear(Shell& shell, Arguments arguments) {
  bool yes = false;
  CLI::App app("Deletes the user's memory, or that of --session.", "luna memory clear");
  app.add_flag("--yes", yes, "Do not ask");
  AddOptions(app, shell.options);
  if (const std::optional<int> code = Parse(app, std::move(arguments))) return *code;
  const std::string nobody_named = shell.client.has_token() ? "LUNA_TOKEN's user" : "default";
  const std::string whose = shell.options.user.empty() ? nobody_named : shell.options.user;
  const std::string part =
      shell.options.session.empty() ? "all memory" : "session " + shell.options.session;
  if (!yes && !Confirmed("Delete " + part + " of " + whose + "?")) return kUsage;
  auto request = shell.New<v1::ClearRequest>();
  request.set_session_id(shell.options.session);
  request.set_confirm(true);
  const std::function print = [&](const v1::ClearResponse& response) {
    shell.output.Write(absl::StrCat(response.deleted_conversations(), " turns deleted\n"));
  };
  return shell.Show(&Memory::Clear, request, print);
}

}  // namespace luna::client
