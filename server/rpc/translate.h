#pragma once

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/translation.pb.h"
#include "server/translation/translator.h"

namespace luna::rpc {

// TranslationService.Translate. `translator` is nullptr where there is none:
// TRANSLATION_UNAVAILABLE.
boost::asio::awaitable<absl::StatusOr<v1::TranslateResponse>> Translate(
    v1::TranslateRequest request, Translator* translator);

}  // namespace luna::rpc
