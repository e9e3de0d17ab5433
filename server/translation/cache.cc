#include "server/translation/cache.h"

#include <utility>

#include <absl/strings/str_cat.h>

namespace luna::translation {
namespace {

// No tag holds a space.
std::string KeyOf(const Passage& passage) {
  return absl::StrCat(passage.from, " ", passage.to, " ", passage.text);
}

}  // namespace

std::optional<std::string> Cache::Find(const Passage& passage) {
  const std::string key = KeyOf(passage);
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->translation;
}

void Cache::Keep(const Passage& passage, std::string translation) {
  Entry entry{KeyOf(passage), std::move(translation)};
  const std::lock_guard lock(mutex_);
  // Two loops may have asked at once.
  if (entry.bytes() > most_bytes_ || by_key_.contains(entry.key)) return;
  bytes_ += entry.bytes();
  entries_.push_front(std::move(entry));
  by_key_[entries_.front().key] = entries_.begin();
  while (bytes_ > most_bytes_) {
    bytes_ -= entries_.back().bytes();
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

boost::asio::awaitable<absl::StatusOr<std::string>> CachedTranslator::Translate(Passage passage) {
  std::optional<std::string> kept = cache_.Find(passage);
  if (kept) co_return *std::move(kept);
  absl::StatusOr<std::string> translation = co_await engine_->Translate(passage);
  if (translation.ok()) cache_.Keep(passage, *translation);
  co_return translation;
}

}  // namespace luna::translation
