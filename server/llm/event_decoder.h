#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace luna::llm {

// Cuts the bytes of a provider's stream into Server-Sent Events (WHATWG HTML, 9.2.6), leniently,
// since providers mix other things in. Lines end in LF, CRLF or CR. How the bytes are cut does not
// change what comes out. No I/O.
//
// Usage: Push, then Next until it gives nothing; at the end of the body Close, then Next again.
class EventDecoder {
 public:
  // The most bytes in a line, and in the data of an event.
  static constexpr std::size_t kLongest = 8 << 20;

  struct Item {
    enum class Kind {
      kData,     // an event's data, never empty; several `data:` lines are joined by LF
      kError,    // the value of a line `error: ...`, as older llama.cpp servers send it
      kStray,    // a line that is no field of an event stream: plain JSON, HTML, ...
      kTooLong,  // over kLongest: nothing comes after it
    };
    Kind kind;
    std::string_view text;  // valid until the next call of any function
  };

  // `bytes` must live until Next gives nothing.
  void Push(std::string_view bytes);

  // The body has ended: an unfinished line or event counts as finished.
  void Close();

  // The next item; nothing once all that was pushed is used up. Comments and other fields are
  // skipped.
  std::optional<Item> Next();

 private:
  bool TakeLine(std::string_view& line);
  std::optional<Item> TakeEvent();
  std::optional<Item> Understand(std::string_view line);
  void AddData(std::string_view value);
  void KeepData();

  std::string_view input_;
  std::string partial_;         // the beginning of a line whose end has not arrived
  bool partial_taken_ = false;  // partial_ is a line that TakeLine gave
  bool after_cr_ = false;
  bool first_line_ = true;
  bool closed_ = false;
  bool too_long_ = false;

  // The data of the event under way: a view of the input for as long as that suffices.
  bool has_data_ = false;
  bool data_in_input_ = false;
  std::string_view data_view_;
  std::string data_;

  // An item that follows the event which it ended.
  std::optional<Item::Kind> held_;
  std::string held_text_;
};

}  // namespace luna::llm
