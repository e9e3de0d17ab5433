#pragma once

#include <chrono>
#include <optional>
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

// Makes sure that nothing of what was deleted is left in the files, where something was: it writes
// the database anew, since SQLite leaves copies of rows in the gaps of its pages
// (https://www.sqlite.org/pragma.html#pragma_secure_delete speaks of the rows alone), and empties
// the write-ahead log. Says after how long it has to be called again, since somebody still reads
// the log; nothing where all is done. Outside of a transaction.
std::optional<std::chrono::milliseconds> Purge(storage::Connection& connection);

}  // namespace luna::memory
