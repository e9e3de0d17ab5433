#pragma once

#include <memory>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <curl/curl.h>

#include "server/net/event_loop.h"

namespace luna::net {

// Who learns that a transfer has ended. Called outside of curl's callbacks.
class TransferObserver {
 public:
  virtual void OnDone(CURLcode result) = 0;

 protected:
  ~TransferObserver() = default;
};

// One curl multi handle on an event loop. Its sockets are watched by one inner epoll descriptor,
// which the loop watches as a whole: one wait for each batch of events, whatever their number. All
// of it on the loop's thread.
class CurlMulti {
 public:
  // Starting a transfer costs time in proportion to the open ones, so that a multi handle takes no
  // more.
  static constexpr int kMostTransfers = 128;

  // Takes over `epoll`, from epoll_create1.
  CurlMulti(asio::io_context& context, int epoll);
  ~CurlMulti();

  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;

  bool HasRoom() const { return transfers_ < kMostTransfers; }

  // CURLOPT_PRIVATE of `easy` must hold its TransferObserver. The handle is taken out again before
  // OnDone is called.
  void Add(CURL* easy);
  // Cancels a transfer that is not done.
  void Remove(CURL* easy);
  // Lets a transfer whose write callback has paused go on.
  void Unpause(CURL* easy);

 private:
  static int OnSocket(CURL* easy, curl_socket_t socket, int what, void* self, void* known);
  static int OnTimer(CURLM* multi, long wait_ms, void* self);

  void WatchSockets();
  void HandleSockets();
  void ArmTimer();
  // What every entry into curl ends with: acts on a due timer and reports ended transfers.
  void Settle();

  CURLM* const multi_;
  asio::posix::stream_descriptor epoll_;
  asio::steady_timer timer_;
  bool timer_armed_ = false;
  TimePoint due_ = kForever;
  int transfers_ = 0;
  // A timer that is due, but has not been told so yet, outlives this.
  const std::shared_ptr<void> alive_ = std::make_shared<char>();
};

}  // namespace luna::net
