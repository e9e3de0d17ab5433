#include "server/net/http_client.h"

#include <sys/epoll.h>

#include <map>
#include <utility>

#include <absl/strings/match.h>

#include "server/net/curl_multi.h"

namespace luna::net {
namespace {

constexpr std::size_t kReadAhead = 64 << 10;
constexpr std::size_t kMostIdleHandles = 256;
constexpr std::size_t kMostKnownUrls = 100;

std::string ParseHost(const std::string& url) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parts(curl_url(), &curl_url_cleanup);
  char* host = nullptr;
  if (curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parts.get(), CURLUPART_HOST, &host, 0) != CURLUE_OK) {
    return "";
  }
  std::string result = host;
  curl_free(host);
  return result;
}

// The host of a URL, "" if it has none. A server asks few different ones.
const std::string& HostOf(const std::string& url) {
  thread_local std::map<std::string, std::string> known;
  const auto place = known.find(url);
  if (place != known.end()) return place->second;
  if (known.size() >= kMostKnownUrls) known.clear();
  return known[url] = ParseHost(url);
}

bool IsLoopback(const std::string& host) {
  return host == "localhost" || absl::EndsWith(host, ".localhost") ||
         absl::StartsWith(host, "127.") || host == "[::1]";
}

}  // namespace

// One curl easy handle at work.
class Transfer final : public TransferObserver {
 public:
  Transfer(HttpClient& client, HttpRequest request);
  ~Transfer();

  asio::awaitable<absl::Status> Headers(TimePoint until);
  asio::awaitable<absl::StatusOr<std::string_view>> Read(TimePoint until);
  int status() const;
  std::string header(const char* name) const;

  void OnDone(CURLcode result) override;

 private:
  static int OnConnected(void* self, char* peer, char* own, int peer_port, int own_port);
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* self);

  void SetOptions(const HttpRequest& request);
  void ForgetBody();
  absl::Status Failure() const;

  HttpClient& client_;
  const std::string host_;
  std::string body_;  // of the request, until it is sent
  CurlMulti* const multi_;
  CURL* const easy_;
  curl_slist* headers_ = nullptr;
  std::string error_ = std::string(CURL_ERROR_SIZE, '\0');
  Signal signal_;
  std::string arriving_;
  std::string reading_;
  std::int64_t received_ = 0;
  bool sent_ = false;  // at least the beginning of it
  bool resend_refused_ = false;
  bool headers_done_ = false;
  bool paused_ = false;
  bool too_large_ = false;
  bool done_ = false;
  CURLcode result_ = CURLE_OK;
};

Transfer::Transfer(HttpClient& client, HttpRequest request)
    : client_(client),
      host_(HostOf(request.url)),
      body_(std::move(request.body)),
      multi_(client.MultiWithRoom()),
      easy_(client.idle_handles_.empty() ? curl_easy_init() : client.idle_handles_.back()),
      signal_(client.context_) {
  if (!client.idle_handles_.empty()) client.idle_handles_.pop_back();
  if (multi_ == nullptr) {
    error_ = "no epoll could be made: out of descriptors or memory";
    done_ = true;
    result_ = CURLE_COULDNT_CONNECT;
    return;
  }
  SetOptions(request);
  multi_->Add(easy_);
}

Transfer::~Transfer() {
  if (!done_) multi_->Remove(easy_);
  curl_slist_free_all(headers_);
  if (client_.idle_handles_.size() >= kMostIdleHandles) {
    curl_easy_cleanup(easy_);
  } else {
    curl_easy_reset(easy_);
    client_.idle_handles_.push_back(easy_);
  }
}

void Transfer::SetOptions(const HttpRequest& request) {
  for (const std::string& header : request.headers) {
    headers_ = curl_slist_append(headers_, header.c_str());
  }
  headers_ = curl_slist_append(headers_, "Expect:");  // no round trip before a body of over 1 MiB
  curl_easy_setopt(easy_, CURLOPT_PRIVATE, static_cast<TransferObserver*>(this));
  curl_easy_setopt(easy_, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
  if (request.method == "POST") {
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, body_.data());
  }
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(request.connect_timeout.count()));
  if (request.fresh_connection) curl_easy_setopt(easy_, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  // Without it, cancelling during a name look-up waits for the look-up (curl issue 8515).
  curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (IsLoopback(host_)) curl_easy_setopt(easy_, CURLOPT_PROXY, "");
  curl_easy_setopt(easy_, CURLOPT_SHARE, client_.share_);
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, error_.data());
  curl_easy_setopt(easy_, CURLOPT_PREREQFUNCTION, &Transfer::OnConnected);
  curl_easy_setopt(easy_, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
}

// A second call means that a kept connection has closed and that curl would send the request again
// on another. A request that costs money is repeated by those who count repetitions, or not at all.
int Transfer::OnConnected(void* self, char*, char*, int, int) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.resend_refused_ = std::exchange(transfer.sent_, true);
  return transfer.resend_refused_ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

std::size_t Transfer::OnHeader(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::string_view line(data, size * count);
  const bool last = line == "\r\n" || line == "\n";
  const bool informational = transfer.status() < 200;
  if (last && !informational) {
    transfer.headers_done_ = true;
    transfer.ForgetBody();
    transfer.signal_.Notify();
  }
  return line.size();
}

// A prompt may be long, and an answer take minutes. libcurl reads a body only until it has sent it.
void Transfer::ForgetBody() {
  curl_off_t sent = 0;
  curl_easy_getinfo(easy_, CURLINFO_SIZE_UPLOAD_T, &sent);
  if (sent == static_cast<curl_off_t>(body_.size())) std::string().swap(body_);
}

std::size_t Transfer::OnBody(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::size_t length = size * count;
  if (transfer.arriving_.size() >= kReadAhead) {
    transfer.paused_ = true;
    return CURL_WRITEFUNC_PAUSE;  // curl gives the same bytes again
  }
  transfer.received_ += static_cast<std::int64_t>(length);
  if (transfer.received_ > transfer.client_.limits_.max_response_bytes) {
    transfer.too_large_ = true;
    return CURL_WRITEFUNC_ERROR;
  }
  transfer.arriving_.append(data, length);
  transfer.signal_.Notify();
  return length;
}

void Transfer::OnDone(CURLcode result) {
  done_ = true;
  result_ = result;
  signal_.Notify();
}

absl::Status Transfer::Failure() const {
  if (too_large_) return absl::OutOfRangeError("the response is too large");
  if (resend_refused_) {
    return absl::AbortedError(host_ + ": the kept connection was closed before a response came");
  }
  std::string why = error_.c_str();
  if (why.empty()) why = curl_easy_strerror(result_);
  return absl::UnavailableError(host_ + ": " + why);
}

asio::awaitable<absl::Status> Transfer::Headers(TimePoint until) {
  while (!headers_done_ && !done_) {
    const bool in_time = co_await signal_.Wait(until);
    if (!in_time) co_return absl::DeadlineExceededError("no response yet");
  }
  if (headers_done_) co_return absl::OkStatus();
  if (result_ != CURLE_OK) co_return Failure();
  co_return absl::UnavailableError(host_ + ": no response");
}

asio::awaitable<absl::StatusOr<std::string_view>> Transfer::Read(TimePoint until) {
  while (arriving_.empty()) {
    if (paused_) {
      paused_ = false;
      multi_->Unpause(easy_);
      continue;
    }
    if (done_ && result_ != CURLE_OK) co_return Failure();
    if (done_) co_return std::string_view();
    const bool in_time = co_await signal_.Wait(until);
    if (!in_time) co_return absl::DeadlineExceededError("nothing arrived");
  }
  reading_.clear();
  reading_.swap(arriving_);
  co_return std::string_view(reading_);
}

int Transfer::status() const {
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

std::string Transfer::header(const char* name) const {
  curl_header* header = nullptr;
  const bool found = curl_easy_header(easy_, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK;
  return found ? header->value : "";
}

HttpExchange::HttpExchange(std::unique_ptr<Transfer> transfer) : transfer_(std::move(transfer)) {}
HttpExchange::HttpExchange(HttpExchange&&) noexcept = default;
HttpExchange& HttpExchange::operator=(HttpExchange&&) noexcept = default;
HttpExchange::~HttpExchange() = default;

asio::awaitable<absl::Status> HttpExchange::Headers(TimePoint until) {
  return transfer_->Headers(until);
}
asio::awaitable<absl::StatusOr<std::string_view>> HttpExchange::Read(TimePoint until) {
  return transfer_->Read(until);
}
int HttpExchange::status() const { return transfer_->status(); }
std::string HttpExchange::header(const char* name) const { return transfer_->header(name); }

HttpClient::HttpClient(asio::io_context& context, Limits limits)
    : context_(context), limits_(limits), share_(curl_share_init()) {
  curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

HttpClient::~HttpClient() {
  for (CURL* easy : idle_handles_) curl_easy_cleanup(easy);
  multis_.clear();
  curl_share_cleanup(share_);
}

HttpExchange HttpClient::Send(HttpRequest request) {
  return HttpExchange(std::make_unique<Transfer>(*this, std::move(request)));
}

CurlMulti* HttpClient::MultiWithRoom() {
  for (const auto& multi : multis_) {
    if (multi->HasRoom()) return multi.get();
  }
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return nullptr;
  multis_.push_back(std::make_unique<CurlMulti>(context_, epoll));
  return multis_.back().get();
}

}  // namespace luna::net
