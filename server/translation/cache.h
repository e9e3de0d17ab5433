#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/base/lru_cache.h"
#include "server/translation/translator.h"

namespace luna::translation {

// Translations that were made, the least recently used out first. A translation depends on its text
// and languages alone, so all users share it. In memory only, lost with the process. Any thread.
class Cache {
 public:
  // Of the texts and their translations together.
  explicit Cache(std::size_t most_bytes = 1 << 20) : entries_(most_bytes) {}

  std::optional<std::string> Find(const Passage& passage);
  void Keep(const Passage& passage, std::string translation);

 private:
  LruCache<std::string> entries_;
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
