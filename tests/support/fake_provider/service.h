#pragma once

#include <memory>

#include <boost/asio/awaitable.hpp>

#include "tests/support/fake_provider/connection.h"
#include "tests/support/fake_provider/state.h"

namespace luna::fake {

// Serves one connection until it ends: the two providers' APIs, GET /v1/models and GET /health, and
// under /_fake what tests steer it by:
//   PUT /_fake/script     a script (script.h): what every request gets; a list: what the next ones
//   get PUT /_fake/health     a script for GET /health POST /_fake/step      lets one request
//   through the gate (?gate=step&count=1) GET /_fake/state      what was asked so far, as
//   State::Json gives it GET /_fake/wait       ?cancelled=1&open=0&timeout_ms=10000: answers with
//   the state once the counters
//                         are there (State::Wish), or with 408 when the time is over
//   DELETE /_fake         forgets everything, drops what is open
asio::awaitable<void> Serve(std::shared_ptr<Connection> connection, State& state);

}  // namespace luna::fake
