#pragma once

#include <exception>
#include <utility>

#include <absl/status/status.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

namespace luna {

// The one place where an exception becomes a status: cancellation is kCancelled, anything else is a
// bug and kInternal. After a cancellation the calling coroutine may await nothing more.
template <class Result>  // absl::Status or absl::StatusOr
boost::asio::awaitable<Result> Guard(boost::asio::awaitable<Result> work) {
  try {
    co_return co_await std::move(work);
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) {
      co_return absl::CancelledError("the caller has gone");
    }
    co_return absl::InternalError(error.what());
  } catch (const std::exception& error) {
    co_return absl::InternalError(error.what());
  }
}

}  // namespace luna
