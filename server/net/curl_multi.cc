#include "server/net/curl_multi.h"

#include <sys/epoll.h>

#include <array>

namespace luna::net {

CurlMulti::CurlMulti(asio::io_context& context, int epoll)
    : multi_(curl_multi_init()), epoll_(context, epoll), timer_(context) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlMulti::OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlMulti::OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(kMostTransfers));
  WatchSockets();
}

CurlMulti::~CurlMulti() { curl_multi_cleanup(multi_); }

void CurlMulti::Add(CURL* easy) {
  ++transfers_;
  curl_multi_add_handle(multi_, easy);
  Settle();
}

void CurlMulti::Remove(CURL* easy) {
  --transfers_;
  curl_multi_remove_handle(multi_, easy);
  ArmTimer();
}

void CurlMulti::Unpause(CURL* easy) {
  curl_easy_pause(easy, CURLPAUSE_CONT);
  Settle();
}

int CurlMulti::OnSocket(CURL*, curl_socket_t socket, int what, void* self, void* known) {
  auto& multi = *static_cast<CurlMulti*>(self);
  const int epoll = multi.epoll_.native_handle();
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event event{};
  if (what & CURL_POLL_IN) event.events |= EPOLLIN;
  if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
  event.data.fd = socket;
  if (known != nullptr && epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event) == 0) return 0;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) != 0) return -1;
  curl_multi_assign(multi.multi_, socket, self);
  return 0;
}

int CurlMulti::OnTimer(CURLM*, long wait_ms, void* self) {
  auto& multi = *static_cast<CurlMulti*>(self);
  multi.due_ = wait_ms < 0 ? kForever : Clock::now() + std::chrono::milliseconds(wait_ms);
  return 0;
}

void CurlMulti::WatchSockets() {
  epoll_.async_wait(asio::posix::stream_descriptor::wait_read,
                    [this](const boost::system::error_code& error) {
                      if (error == asio::error::operation_aborted) return;
                      HandleSockets();
                      WatchSockets();
                    });
}

void CurlMulti::HandleSockets() {
  std::array<epoll_event, 64> events;
  const int count = epoll_wait(epoll_.native_handle(), events.data(), events.size(), 0);
  for (int i = 0; i < count; ++i) {
    int mask = 0;
    if (events[i].events & EPOLLIN) mask |= CURL_CSELECT_IN;
    if (events[i].events & EPOLLOUT) mask |= CURL_CSELECT_OUT;
    if (events[i].events & (EPOLLERR | EPOLLHUP)) mask |= CURL_CSELECT_ERR;
    int running = 0;
    curl_multi_socket_action(multi_, events[i].data.fd, mask, &running);
  }
  Settle();
}

void CurlMulti::ArmTimer() {
  if (due_ == kForever || (timer_armed_ && timer_.expiry() <= due_)) return;
  timer_armed_ = true;
  timer_.expires_at(due_);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (error == asio::error::operation_aborted || alive.expired()) return;
    timer_armed_ = false;
    Settle();
  });
}

void CurlMulti::Settle() {
  while (due_ <= Clock::now()) {
    due_ = kForever;
    int running = 0;
    curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode result = message->data.result;
    char* observer = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &observer);
    Remove(easy);
    reinterpret_cast<TransferObserver*>(observer)->OnDone(result);
  }
  ArmTimer();
}

}  // namespace luna::net
