#include "client/cpp/interrupts.h"

#include <semaphore.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

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

sem_t stands_still;

void StandStill(int /*signal*/) {
  sem_post(&stands_still);
  for (;;) pause();
}

}  // namespace

Interrupts::Interrupts()
    : main_(pthread_self()), has_terminal_(tcgetattr(STDIN_FILENO, &terminal_) == 0) {
  sem_init(&stands_still, 0, 0);
  struct sigaction stand_still {};
  stand_still.sa_handler = StandStill;
  sigaction(SIGUSR1, &stand_still, nullptr);
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
      if (has_terminal_) LeaveTerminal();
      _exit(128 + signal);
    }
    caught_ = signal;
    stop_.request_stop();
  }
}

// The main thread stands still first: an editor of lines that was about to begin would change the
// terminal once more. It may have locked a stream, so none is written to.
void Interrupts::LeaveTerminal() const {
  pthread_kill(main_, SIGUSR1);
  while (sem_wait(&stands_still) != 0) {
  }
  tcsetattr(STDIN_FILENO, TCSANOW, &terminal_);
  if (write(STDERR_FILENO, "\n", 1) < 0) return;  // nobody reads it
}

}  // namespace luna::client
