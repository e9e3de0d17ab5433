#include "client/cpp/interrupts.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <iostream>
#include <thread>

namespace luna::client {
namespace {

sigset_t Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

Interrupts::Interrupts() : has_terminal_(tcgetattr(STDIN_FILENO, &terminal_) == 0) {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([this] { Wait(); }).detach();
}

std::stop_token Interrupts::Begin() {
  const std::lock_guard lock(mutex_);
  running_ = true;
  caught_ = 0;
  stop_ = std::stop_source();
  return stop_.get_token();
}

int Interrupts::End() {
  const std::lock_guard lock(mutex_);
  running_ = false;
  return caught_;
}

void Interrupts::Wait() {
  const sigset_t signals = Signals();
  for (;;) {
    int signal = 0;
    sigwait(&signals, &signal);
    const std::lock_guard lock(mutex_);
    if (!running_ || caught_ != 0) {
      if (has_terminal_) {
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal_);
        std::cerr << '\n';
      }
      _exit(128 + signal);
    }
    caught_ = signal;
    stop_.request_stop();
  }
}

}  // namespace luna::client
