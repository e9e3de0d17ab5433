#pragma once

#include <string>

#include "server/storage/connection.h"

// As turns.h says of what it holds.
namespace luna::memory {

// Deletes a turn with the summaries that it went into; false where there is none.
bool Delete(storage::Connection& connection, const std::string& user, int id);
// Deletes up to `most` turns, and, once none is left, the summaries; of all sessions where
// `session` is empty. Returns how many turns.
int DeleteSome(storage::Connection& connection, const std::string& user, const std::string& session,
               int most);

// One step of making sure that nothing of what was deleted is left in the files; true while there
// is more to do. Outside of a transaction.
bool Purge(storage::Connection& connection);

}  // namespace luna::memory
