#include "server/llm/targets.h"

#include <utility>

#include "server/llm/failover.h"
#include "server/llm/gemini.h"
#include "server/llm/openai.h"

namespace luna::llm {

Targets::Targets(const config::Llm& llm, net::HttpClient& http, telemetry::Metrics& metrics)
    : llm_(llm), http_(http), metrics_(metrics) {
  for (const auto& [name, target] : llm.targets) {
    if (target.api == config::Target::Api::kGemini) {
      models_[name] = std::make_unique<Gemini>(target, llm.timeouts, http, metrics);
    } else {
      models_[name] = std::make_unique<OpenAi>(target, llm.timeouts, http, metrics);
    }
  }
}

const config::Target* Targets::Config(const std::string& name) const {
  const auto found = llm_.targets.find(name.empty() ? llm_.default_target : name);
  return found == llm_.targets.end() ? nullptr : &found->second;
}

const config::Target* Targets::OfModel(const std::string& name) const {
  if (const config::Target* named = Config(name)) return named;
  for (const config::Target* target : All()) {
    if (target->model == name) return target;
  }
  return nullptr;
}

std::unique_ptr<TokenStream> Targets::Generate(const config::Target& target, Prompt prompt) {
  if (prompt.model == target.model) prompt.model.clear();  // as each candidate has its own
  std::vector<Failover::Candidate> candidates = {{&target, models_.at(target.name).get()}};
  for (const std::string& name : llm_.fallback) {
    const config::Target& other = llm_.targets.at(name);
    const bool able = prompt.model.empty() && (other.stream || !prompt.stream);
    if (name != target.name && able) candidates.push_back({&other, models_.at(name).get()});
  }
  return std::make_unique<Failover>(http_.context(), llm_, metrics_, std::move(candidates),
                                    std::move(prompt));
}

std::unique_ptr<TokenStream> Targets::GenerateOnce(const config::Target& target, Prompt prompt) {
  return models_.at(target.name)->Generate(std::move(prompt));
}

std::vector<std::string> Targets::Names() const {
  std::vector<std::string> names;
  names.reserve(models_.size());
  for (const auto& [name, model] : models_) names.push_back(name);
  return names;
}

std::vector<const config::Target*> Targets::All() const {
  std::vector<const config::Target*> all = {Config("")};
  for (const auto& [name, target] : llm_.targets) {
    if (name != llm_.default_target) all.push_back(&target);
  }
  return all;
}

}  // namespace luna::llm
