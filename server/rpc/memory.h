#pragma once

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "luna/v1/memory.pb.h"
#include "server/interaction/summarizer.h"
#include "server/memory/conversation_memory.h"
#include "server/rpc/message_sink.h"

// The RPCs of MemoryService, as the proto describes them. Each checks its request (INVALID_INPUT
// names the field) and puts the defaults in; STORAGE_UNAVAILABLE where the database fails.
namespace luna::rpc {

template <class Response>
using Reply = boost::asio::awaitable<absl::StatusOr<Response>>;

Reply<v1::ListRecentResponse> ListRecent(v1::ListRecentRequest request, ConversationMemory& memory);
Reply<v1::ListConversationsResponse> ListConversations(v1::ListConversationsRequest request,
                                                       ConversationMemory& memory);
Reply<v1::GetConversationResponse> GetConversation(v1::GetConversationRequest request,
                                                   ConversationMemory& memory);
Reply<v1::SearchConversationsResponse> SearchConversations(v1::SearchConversationsRequest request,
                                                           ConversationMemory& memory);
Reply<v1::DeleteConversationResponse> DeleteConversation(v1::DeleteConversationRequest request,
                                                         ConversationMemory& memory);
Reply<v1::ListSessionsResponse> ListSessions(v1::ListSessionsRequest request,
                                             ConversationMemory& memory);
Reply<v1::ListSummariesResponse> ListSummaries(v1::ListSummariesRequest request,
                                               ConversationMemory& memory);
Reply<v1::GetSummaryResponse> GetSummary(v1::GetSummaryRequest request, ConversationMemory& memory);
// Fails as a model does, too.
Reply<v1::SummarizeResponse> Summarize(v1::SummarizeRequest request, Summarizer& summarizer);
Reply<v1::GetStatsResponse> GetStats(v1::GetStatsRequest request, ConversationMemory& memory);
Reply<v1::ImportResponse> Import(v1::ImportRequest request, ConversationMemory& memory);
boost::asio::awaitable<absl::Status> Export(v1::ExportRequest request, ConversationMemory& memory,
                                            MessageSink& sink);
Reply<v1::ClearResponse> Clear(v1::ClearRequest request, ConversationMemory& memory);

}  // namespace luna::rpc
