#pragma once

#include <string>
#include <string_view>

#include <google/protobuf/message.h>

namespace luna::client {

// Stdout, unbuffered: what came is seen at once.
class Output {
 public:
  Output();

  // Text as a person reads it. On a terminal control characters, which a model might be talked into
  // saying, come as U+FFFD. False once stdout takes no more, as after its reader has left.
  bool Write(std::string_view text);

  // `message` as a line of JSON, its names as the contract writes them.
  bool WriteJson(const google::protobuf::Message& message);

  // Ends the line where one was begun.
  void EndLine();

  bool closed() const { return closed_; }
  bool is_terminal() const { return is_terminal_; }

 private:
  bool WriteAsItIs(std::string_view text);

  const bool is_terminal_;
  bool inside_line_ = false;
  bool closed_ = false;
};

// `text` dim or red where `descriptor` is a terminal, which NO_COLOR (https://no-color.org) and
// TERM=dumb leave without colours.
std::string Dim(std::string_view text, int descriptor);
std::string Red(std::string_view text, int descriptor);

// `text` without control characters but line feed and tab; U+FFFD stands for each, and for what is
// not UTF-8.
std::string Printable(std::string_view text);

bool IsUtf8(std::string_view text);

}  // namespace luna::client
