#include "server/rpc/cache.h"

#include "server/interaction/messages.h"
#include "server/rpc/request.h"

namespace luna::rpc {

boost::asio::awaitable<absl::StatusOr<v1::GetCacheStatsResponse>> GetCacheStats(
    v1::GetCacheStatsRequest request, ResponseCache& cache) {
  const absl::Status wrong = CheckUser(request);
  if (!wrong.ok()) co_return wrong;
  co_return co_await cache.Stats(request.user_id());
}

boost::asio::awaitable<absl::StatusOr<v1::CleanUpCacheResponse>> CleanUpCache(
    v1::CleanUpCacheRequest request, ResponseCache& cache) {
  const absl::Status wrong = CheckUser(request);
  if (!wrong.ok()) co_return wrong;
  const absl::StatusOr<int> removed = co_await cache.CleanUp(request.user_id());
  if (!removed.ok()) co_return removed.status();
  v1::CleanUpCacheResponse response;
  response.set_status("success");
  response.set_removed(*removed);
  response.set_message(messages::CacheCleanedUp(request.language(), *removed));
  co_return response;
}

boost::asio::awaitable<absl::StatusOr<v1::ClearCacheResponse>> ClearCache(
    v1::ClearCacheRequest request, ResponseCache& cache) {
  const absl::Status wrong = CheckUser(request);
  if (!wrong.ok()) co_return wrong;
  const absl::StatusOr<int> removed = co_await cache.Clear(request.user_id());
  if (!removed.ok()) co_return removed.status();
  v1::ClearCacheResponse response;
  response.set_status("success");
  response.set_removed(*removed);
  response.set_message(messages::CacheCleared(request.language(), *removed));
  co_return response;
}

}  // namespace luna::rpc
