#pragma once

#include <chrono>
#include <optional>

#include "server/storage/connection.h"

namespace luna::storage {

// Marks, in the transaction that deletes something, that Purge has something to do.
void AskForPurge(Connection& connection);

// Makes sure that nothing of what was deleted is left in the files, where something was: it writes
// the database anew, since SQLite leaves copies of rows in the gaps of its pages
// (https://www.sqlite.org/pragma.html#pragma_secure_delete speaks of the rows alone), and empties
// the write-ahead log. Says after how long it has to be called again, since somebody still reads
// the log; nothing where all is done. Outside of a transaction.
std::optional<std::chrono::milliseconds> Purge(Connection& connection);

}  // namespace luna::storage
