#include "server/llm/targets.h"

#include "server/llm/gemini.h"
#include "server/llm/openai.h"

namespace luna::llm {

Targets::Targets(const config::Llm& llm, net::HttpClient& http) : llm_(llm) {
  for (const auto& [name, target] : llm.targets) {
    if (target.api == config::Target::Api::kGemini) {
      models_[name] = std::make_unique<Gemini>(target, llm.timeouts, http);
    } else {
      models_[name] = std::make_unique<OpenAi>(target, llm.timeouts, http);
    }
  }
}

const config::Target* Targets::Config(const std::string& name) const {
  const auto found = llm_.targets.find(name.empty() ? llm_.default_target : name);
  return found == llm_.targets.end() ? nullptr : &found->second;
}

LanguageModel& Targets::Model(const config::Target& target) { return *models_.at(target.name); }

std::vector<std::string> Targets::Names() const {
  std::vector<std::string> names;
  names.reserve(models_.size());
  for (const auto& [name, model] : models_) names.push_back(name);
  return names;
}

}  // namespace luna::llm
