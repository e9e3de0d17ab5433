#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "server/translation/translator.h"

namespace luna::translation {

// Translations that were made, the least recently used out first. A translation depends on its text
// and languages alone, so all users share it. In memory only, lost with the process. Any thread.
class Cache {
 public:
  // Of the texts and their translations together.
  explicit Cache(std::size_t most_bytes = 1 << 20) : most_bytes_(most_bytes) {}

  std::optional<std::string> Find(const Passage& passage);
  void Keep(const Passage& passage, std::string translation);

 private:
  struct Entry {
    std::string key;
    std::string translation;

    std::size_t bytes() const { return key.size() + translation.size(); }
  };

  const std::size_t most_bytes_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the last used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
  std::size_t bytes_ = 0;
};

// Asks `engine` for what is not in `cache`, which must outlive this.
class CachedTranslator final : public Translator {
 public:
  CachedTranslator(std::unique_ptr<Translator> engine, Cache& cache)
      : engine_(std::move(engine)), cache_(cache) {}

  boost::asio::awaitable<absl::StatusOr<std::string>> Translate(Passage passage) override;

 private:
  const std::unique_ptr<Translator> engine_;
  Cache& cache_;
};

}  // namespace luna::translation
