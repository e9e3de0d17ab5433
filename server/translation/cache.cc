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
  return entries_.Find(KeyOf(passage));
}

void Cache::Keep(const Passage& passage, std::string translation) {
  const std::size_t bytes = translation.size();
  entries_.Keep(KeyOf(passage), std::move(translation), bytes);
}

boost::asio::awaitable<absl::StatusOr<std::string>> CachedTranslator::Translate(Passage passage) {
  std::optional<std::string> kept = cache_.Find(passage);
  if (kept) co_return *std::move(kept);
  absl::StatusOr<std::string> translation = co_await engine_->Translate(passage);
  if (translation.ok()) cache_.Keep(passage, *translation);
  co_return translation;
}

}  // namespace luna::translation
