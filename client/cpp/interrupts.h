#pragma once

#include <pthread.h>
#include <termios.h>

#include <mutex>
#include <stop_token>

namespace luna::client {

// Turns SIGINT and SIGTERM into a request to stop the answer that is running. Where none is, or one
// has been asked to stop before, they end the program with 128 and the signal's number, as a shell
// counts it; the terminal is then as it was found, whatever an editor of lines had made of it. A
// thread of its own waits for the signals, so that nothing runs inside a signal handler.
class Interrupts {
 public:
  // On the main thread, before any other is started: threads inherit that the signals are blocked.
  // Takes SIGUSR1 for itself. Lives as long as the program.
  Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  // An answer begins; the token is stopped by the next signal.
  std::stop_token Begin();

  // The answer has ended. Gives the signal that stopped it, or 0.
  int End();

 private:
  [[noreturn]] void Wait();
  void LeaveTerminal() const;

  const pthread_t main_;
  termios terminal_{};
  const bool has_terminal_;
  std::mutex mutex_;
  bool running_ = false;
  int caught_ = 0;
  std::stop_source stop_;
};

}  // namespace luna::client
