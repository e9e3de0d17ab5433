#pragma once

#include <cstddef>
#include <iterator>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace luna {

// What was kept last, in memory, bounded in bytes: the least recently used goes out first. Any
// thread.
template <class Value>
class LruCache {
 public:
  // Of the keys and the values together.
  explicit LruCache(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  std::optional<Value> Find(std::string_view key) {
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return std::nullopt;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->value;
  }

  // In place of what the key had. `bytes` are the value's; one that is larger than the cache is
  // not kept.
  void Keep(std::string key, Value value, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto before = by_key_.find(key);
    if (before != by_key_.end()) Drop(before->second);
    bytes += key.size();
    if (bytes > most_bytes_) return;
    bytes_ += bytes;
    entries_.push_front({std::move(key), std::move(value), bytes});
    by_key_[entries_.front().key] = entries_.begin();
    while (bytes_ > most_bytes_) Drop(std::prev(entries_.end()));
  }

  void Clear() {
    const std::lock_guard lock(mutex_);
    by_key_.clear();
    entries_.clear();
    bytes_ = 0;
  }

 private:
  struct Entry {
    std::string key;
    Value value;
    std::size_t bytes;
  };
  using Entries = std::list<Entry>;

  void Drop(typename Entries::iterator entry) {
    bytes_ -= entry->bytes;
    by_key_.erase(entry->key);
    entries_.erase(entry);
  }

  const std::size_t most_bytes_;
  std::mutex mutex_;
  Entries entries_;  // the last used first
  std::unordered_map<std::string_view, typename Entries::iterator> by_key_;
  std::size_t bytes_ = 0;
};

}  // namespace luna
