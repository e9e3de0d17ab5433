#pragma once

#include <string>

#include "server/storage/connection.h"

// As turns.h says of what it holds.
namespace luna::memory {

// Deletes a turn with the summaries that it went into; false where there is none.
bool Delete(storage::Connection& connection, const std::string& user, int id);
// Deletes the summaries and up to `most` turns; of all sessions where `session` is empty. Returns
// how many turns.
int DeleteSome(storage::Connection& connection, const std::string& user, const std::string& session,
               int most);

}  // namespace luna::memory
