#include "server/rpc/memory.h"

#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <google/protobuf/util/time_util.h>

#include "server/base/error.h"
#include "server/cache/answers.h"
#include "server/interaction/messages.h"
#include "server/memory/deletion.h"
#include "server/memory/search.h"
#include "server/memory/summaries.h"
#include "server/memory/transfer.h"
#include "server/memory/turns.h"
#include "server/rpc/limits.h"
#include "server/rpc/memory_file.h"
#include "server/rpc/request.h"

namespace luna::rpc {
namespace {

using google::protobuf::util::TimeUtil;
using storage::Connection;

// Turns that are deleted in one transaction, so that others get their turn in between.
constexpr int kDeletedAtOnce = 200;

// As google/protobuf/timestamp.proto bounds it.
bool IsTime(const google::protobuf::Timestamp& time) {
  return time.seconds() >= TimeUtil::kTimestampMinSeconds &&
         time.seconds() <= TimeUtil::kTimestampMaxSeconds && time.nanos() >= 0 &&
         time.nanos() < 1'000'000'000;
}

absl::Status Invalid(std::string message) {
  return MakeError(ErrorCode::kInvalidInput, std::move(message));
}

// Checks what requests have in common, and puts its defaults in.
template <class Request>
absl::Status Complete(Request& request) {
  const std::string& language = request.language();
  absl::Status wrong = CheckUser(request);
  if constexpr (requires { request.session_id(); }) {
    if (wrong.ok()) wrong = CheckId(language, "session_id", request.session_id());
  }
  if constexpr (requires { request.limit(); }) {
    constexpr bool kSummaries = std::is_same_v<Request, v1::ListSummariesRequest>;
    if (!request.has_limit()) request.set_limit(kSummaries ? 10 : 50);
    if (wrong.ok() && (request.limit() < 1 || request.limit() > kMostInList)) {
      wrong = Invalid(messages::NotBetween(language, "limit", 1, kMostInList));
    }
    if (wrong.ok() && request.offset() < 0) {
      wrong = Invalid(messages::NotBetween(language, "offset", 0, INT32_MAX));
    }
  }
  return wrong;
}

}  // namespace

Reply<v1::ListRecentResponse> ListRecent(v1::ListRecentRequest request,
                                         ConversationMemory& memory) {
  const absl::Status wrong = Complete(request);
  if (!wrong.ok()) co_return wrong;
  if (!request.has_count()) request.set_count(10);
  if (request.count() < 1 || request.count() > kMostInList) {
    co_return Invalid(messages::NotBetween(request.language(), "count", 1, kMostInList));
  }
  auto query = [request = std::move(request)](Connection& connection) {
    return memory::ListRecent(connection, request);
  };
  co_return co_await memory.Read(std::move(query));
}

Reply<v1::ListConversationsResponse> ListConversations(v1::ListConversationsRequest request,
                                                       ConversationMemory& memory) {
  const absl::Status wrong = Complete(request);
  if (!wrong.ok()) co_return wrong;
  request.set_session_id(OrDefault(request.session_id()));
  auto query = [request = std::move(request)](Connection& connection) {
    return memory::ListConversations(connection, request);
  };
  co_return co_await memory.Read(std::move(query));
}

Reply<v1::GetConversationResponse> GetConversation(v1::GetConversationRequest request,
                                                   ConversationMemory& memory) {
  const absl::Status wrong = Complete(request);
  if (!wrong.ok()) co_return wrong;
  auto query = [request](Connection& connection) {
    return memory::Find(connection, request.user_id(), request.id());
  };
  absl::StatusOr<std::optional<v1::Conversation>> found = co_await memory.Read(std::move(query));
  if (!found.ok()) co_return found.status();
  if (!*found) {
    co_return MakeError(ErrorCode::kNotFound,
                        messages::NoConversation(request.language(), request.id()));
  }
  v1::GetConversationResponse response;
  *response.mutable_conversation() = **std::move(found);
  co_return response;
}

Reply<v1::SearchConversationsResponse> SearchConversations(v1::SearchConversationsRequest request,
                                                           ConversationMemory& memory) {
  const absl::Status wrong = Complete(request);
  if (!wrong.ok()) co_return wrong;
  if (request.keyword().size() > kMostKeywordBytes) {
    co_return Invalid(messages::TooLong(request.language(), "keyword", kMostKeywordBytes));
  }
  if (!IsTime(request.since())) {
    co_return Invalid("since: " + messages::NoTime(request.language()));
  }
  if (!IsTime(request.until())) {
    co_return Invalid("until: " + messages::NoTime(request.language()));
  }
  auto query = [request = std::move(request)](Connection& connection) {
    return memory::Search(connection, request);
  };
  co_return co_await memory.Read(std::move(query));
}

Reply<v1::DeleteConversationResponse> DeleteConversation(v1::DeleteConversationRequest request,
                                                         ConversationMemory& memory) {
  const absl::Status wrong = Complete(request);
  if (!wrong.ok()) co_return wrong;
  auto change = [request](Connection& connection) {
    const bool deleted = memory::Delete(connection, request.user_id(), request.id());
    if (deleted) cache::DeleteAll(connection, request.user_id());
    return deleted;
  };
  const absl::StatusOr<bool> deleted = co_await memory.Change(std::move(change));
  if (!deleted.ok()) co_return deleted.status();
  if (!*deleted) {
    co_return MakeError(ErrorCode::kNotFound,
                        messages::NoConversation(request.language(), request.id()));
  }
  const absl::Status gone = co_await memory.Settle();
  if (!gone.ok()) co_return gone;
  v1::DeleteConversationResponse response;
  response.set_status("success");
  response.set_message(messages::ConversationDeleted(request.language(), request.id()));
  co_return response;
}

Reply<v1::ListSessionsResponse> ListSessions(v1::ListSessionsRequest request,
                                             ConversationMemory& memory) {
  const absl::Status wrong = Complete(request);
  if (!wrong.ok()) co_return wrong;
  auto query = [request = std::move(request)](Connection& connection) {
    return memory::ListSessions(connection, request);
  };
  co_return co_await memory.Read(std::move(query));
}

Reply<v1::ListSummariesResponse> ListSummaries(v1::ListSummariesRequest request,
                                               ConversationMemory& memory) {
  const absl::Status wrong = Complete(request);
  if (!wrong.ok()) co_return wrong;
  auto query = [request = std::move(request)](Connection& connection) {
    return memory::ListSummaries(connection, request);
  };
  co_return co_await memory.Read(std::move(query));
}

Reply<v1::GetSummaryResponse> GetSummary(v1::GetSummaryRequest request,
                                         ConversationMemory& memory) {
  const absl::Status wrong = Complete(request);
  if (!wrong.ok()) co_return wrong;
  v1::ListSummariesRequest newest;
  newest.set_user_id(request.user_id());
  newest.set_session_id(OrDefault(request.session_id()));
  newest.set_limit(1);
  auto query = [newest](Connection& connection) {
    return memory::ListSummaries(connection, newest);
  };
  const absl::StatusOr<v1::ListSummariesResponse> found = co_await memory.Read(std::move(query));
  if (!found.ok()) co_return found.status();
  v1::GetSummaryResponse response;
  if (found->count() > 0) response.set_summary(found->summaries(0).content());
  co_return response;
}

Reply<v1::SummarizeResponse> Summarize(v1::SummarizeRequest request, Summarizer& summarizer) {
  const absl::Status wrong = Complete(request);
  if (!wrong.ok()) co_return wrong;
  absl::StatusOr<std::string> summary =
      co_await summarizer.Summarize(request.user_id(), OrDefault(request.session_id()));
  if (!summary.ok()) co_return summary.status();
  v1::SummarizeResponse response;
  response.set_status(summary->empty() ? "failed" : "success");
  response.set_message(summary->empty() ? messages::NothingToSumUp(request.language())
                                        : messages::SummedUp(request.language()));
  response.set_summary(*std::move(summary));
  co_return response;
}

Reply<v1::GetStatsResponse> GetStats(v1::GetStatsRequest request, ConversationMemory& memory) {
  const absl::Status wrong = Complete(request);
  if (!wrong.ok()) co_return wrong;
  auto query = [user = request.user_id()](Connection& connection) {
    return memory::ReadStats(connection, user);
  };
  co_return co_await memory.Read(std::move(query));
}

boost::asio::awaitable<absl::Status> Export(v1::ExportRequest request, ConversationMemory& memory,
                                            MessageSink& sink) {
  const absl::Status wrong = Complete(request);
  if (!wrong.ok()) co_return wrong;
  using Lines = std::vector<v1::ExportResponse>;
  memory::Bookmark place;
  Lines lines;
  do {
    auto query = [user = request.user_id(), place](Connection& connection) mutable {
      Lines found = memory::ReadOn(connection, user, place);
      return std::pair(std::move(found), place);
    };
    absl::StatusOr<std::pair<Lines, memory::Bookmark>> page =
        co_await memory.Read(std::move(query));
    if (!page.ok()) co_return page.status();
    std::tie(lines, place) = *std::move(page);
    for (const v1::ExportResponse& line : lines) {
      sink.Put(line);
      const absl::Status room = co_await sink.Room();
      if (!room.ok()) co_return room;
    }
  } while (!lines.empty());
  co_return absl::OkStatus();
}

Reply<v1::ImportResponse> Import(v1::ImportRequest request, ConversationMemory& memory) {
  const absl::Status wrong = Complete(request);
  if (!wrong.ok()) co_return wrong;
  using Lines = std::vector<v1::ExportResponse>;
  const std::string user = request.user_id();
  // Not on the loop, which 16 MiB would hold up.
  auto read = [request = std::move(request)](Connection&) {
    return ReadMemoryFile(request.data(), request.language());
  };
  absl::StatusOr<absl::StatusOr<Lines>> lines = co_await memory.Read(std::move(read));
  if (!lines.ok()) co_return lines.status();
  if (!lines->ok()) co_return lines->status();
  co_return co_await memory.Import(user, **std::move(lines));
}

Reply<v1::ClearResponse> Clear(v1::ClearRequest request, ConversationMemory& memory) {
  const absl::Status wrong = Complete(request);
  if (!wrong.ok()) co_return wrong;
  if (!request.confirm()) co_return Invalid(messages::ConfirmNeeded(request.language()));
  v1::ClearResponse response;
  int deleted = 0;
  do {
    auto change = [request](Connection& connection) {
      cache::DeleteAll(connection, request.user_id());
      return memory::DeleteSome(connection, request.user_id(), request.session_id(),
                                kDeletedAtOnce);
    };
    const absl::StatusOr<int> some = co_await memory.Change(std::move(change));
    if (!some.ok()) co_return some.status();
    deleted = *some;
    response.set_deleted_conversations(response.deleted_conversations() + deleted);
  } while (deleted == kDeletedAtOnce);
  const absl::Status gone = co_await memory.Settle();
  if (!gone.ok()) co_return gone;
  response.set_status("success");
  co_return response;
}

}  // namespace luna::rpc
