#include "server/config/config.h"

namespace luna::config {
namespace {

constexpr char kTranslator[] = "translator";

}  // namespace

const Target* TranslatorOf(const Config& config, const Target& answering) {
  const bool automatic = config.translation.engine == "auto";
  if (!automatic && config.translation.engine != "llm") return nullptr;
  const auto translator = config.llm.targets.find(kTranslator);
  if (translator != config.llm.targets.end()) return &translator->second;
  return automatic && answering.api != Target::Api::kGemini ? nullptr : &answering;
}

}  // namespace luna::config
