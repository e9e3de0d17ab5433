#pragma once

#include "luna/v1/memory.pb.h"
#include "server/storage/connection.h"

// As turns.h says of what it holds.
namespace luna::memory {

// Reads all of the user's turns that the request lets through: a second for some hundred thousand
// of them.
v1::SearchConversationsResponse Search(storage::Connection& connection,
                                       const v1::SearchConversationsRequest& request);

}  // namespace luna::memory
