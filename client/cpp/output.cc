#include "client/cpp/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <stdexcept>

#include <google/protobuf/util/json_util.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace luna::client {
namespace {

std::string Coloured(std::string_view text, const char* colour, int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool plain = (no_color != nullptr && *no_color != '\0') || terminal == nullptr ||
                     std::string_view(terminal) == "dumb" || isatty(descriptor) == 0;
  if (plain) return std::string(text);
  return std::string(colour).append(text).append("\x1b[0m");
}

}  // namespace

Output::Output() : is_terminal_(isatty(STDOUT_FILENO) != 0) {}

bool Output::Write(std::string_view text) {
  if (!is_terminal_) return WriteAsItIs(text);
  return WriteAsItIs(Printable(text));
}

bool Output::WriteJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string line;
  const auto printed = google::protobuf::util::MessageToJsonString(message, &line, options);
  if (!printed.ok()) throw std::runtime_error(printed.ToString());
  return WriteAsItIs(line + "\n");
}

void Output::EndLine() {
  if (inside_line_) WriteAsItIs("\n");
}

bool Output::WriteAsItIs(std::string_view text) {
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

std::string Dim(std::string_view text, int descriptor) {
  return Coloured(text, "\x1b[2m", descriptor);
}

std::string Red(std::string_view text, int descriptor) {
  return Coloured(text, "\x1b[31m", descriptor);
}

std::string Printable(std::string_view text) {
  std::string printable;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    UChar32 character;
    U8_NEXT(text, at, text.size(), character);
    const bool control = u_charType(character) == U_CONTROL_CHAR;
    if (character < 0 || (control && character != '\n' && character != '\t')) {
      printable += "\uFFFD";
    } else {
      printable += text.substr(begin, at - begin);
    }
  }
  return printable;
}

bool IsUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    UChar32 character;
    U8_NEXT(text, at, text.size(), character);
    if (character < 0) return false;
  }
  return true;
}

}  // namespace luna::client
