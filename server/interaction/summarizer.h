#pragma once

#include <string>
#include <unordered_map>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "server/config/config.h"
#include "server/llm/targets.h"
#include "server/memory/conversation_memory.h"
#include "server/memory/summaries.h"
#include "server/net/task_group.h"

namespace luna {

// Lets the default target sum up what was said in a session, on top of its newest summary. One
// object for each event loop; all of it on the loop's thread.
class Summarizer {
 public:
  // All must outlive this, and `tasks` must be stopped before it goes.
  Summarizer(const config::Config& config, llm::Targets& targets, ConversationMemory& memory,
             net::TaskGroup& tasks);

  // Where `memory.enable_auto_summary` is on, and more than `memory.summary_threshold` turns are
  // not summed up, begins to sum up all but those that a model is told anyway, in the background.
  // What fails there changes nothing. It is tried again after the session's next turn on this loop,
  // and as long as it fails after 2, 4, and so on of them, at last after every 32nd.
  void AfterTurn(const boost::asio::any_io_executor& executor, std::string user,
                 std::string session);

  // Sums up all that is not yet, and resumes with the summary, once it is kept; "" where there is
  // nothing to sum up. Fails as a model does (llm/model.h), and as the memory.
  boost::asio::awaitable<absl::StatusOr<std::string>> Summarize(std::string user,
                                                                std::string session);

 private:
  boost::asio::awaitable<void> SumUpOlder(std::string user, std::string session);
  boost::asio::awaitable<absl::StatusOr<std::string>> SumUp(std::string user, std::string session,
                                                            memory::Unsummarized turns);
  llm::Prompt MakePrompt(const memory::Unsummarized& turns) const;

  // Of a session whose last try failed.
  struct Pause {
    int turns = 1;       // from one try to the next
    int turns_left = 1;  // to the next
  };

  const config::Config& config_;
  llm::Targets& targets_;
  ConversationMemory& memory_;
  net::TaskGroup& tasks_;
  std::unordered_map<std::string, Pause> pauses_;
};

}  // namespace luna
