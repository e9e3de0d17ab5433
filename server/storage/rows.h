#pragma once

#include <cstdint>
#include <string>

#include "server/storage/connection.h"

// What the queries of memory/ and cache/ have in common.
namespace luna::storage {

// A user's number. Nothing equals it where he has none.
#define USER_OF(parameter) "(SELECT id FROM users WHERE name = " parameter ")"

// The user's number, which he gets where he has none.
std::int64_t UserNumber(Connection& connection, const std::string& name);

// Where nothing of a user is left, neither is his name. Whether it was forgotten.
bool ForgetUserWithNothing(Connection& connection, const std::string& name);

// Of the wall clock, since 1970.
std::int64_t NowMicroseconds();

}  // namespace luna::storage
