#pragma once

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/cache.pb.h"
#include "server/cache/response_cache.h"

// The RPCs of CacheService, as the proto describes them. Each checks its request (INVALID_INPUT
// names the field); STORAGE_UNAVAILABLE where the database fails.
namespace luna::rpc {

boost::asio::awaitable<absl::StatusOr<v1::GetCacheStatsResponse>> GetCacheStats(
    v1::GetCacheStatsRequest request, ResponseCache& cache);
boost::asio::awaitable<absl::StatusOr<v1::CleanUpCacheResponse>> CleanUpCache(
    v1::CleanUpCacheRequest request, ResponseCache& cache);
boost::asio::awaitable<absl::StatusOr<v1::ClearCacheResponse>> ClearCache(
    v1::ClearCacheRequest request, ResponseCache& cache);

}  // namespace luna::rpc
