// `luna cache`, `translate`, `analyze` and `models`.

#include <cstdio>

#include <absl/strings/str_cat.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include "client/cpp/command.h"
#include "luna/v1/cache.grpc.pb.h"
#include "luna/v1/emotion.grpc.pb.h"
#include "luna/v1/generation.grpc.pb.h"
#include "luna/v1/translation.grpc.pb.h"

namespace luna::client {
namespace {

bool HasHangul(const std::string& text) {
  const icu::UnicodeString characters = icu::UnicodeString::fromUTF8(text);
  for (int i = 0; i < characters.length(); i = characters.moveIndex32(i, 1)) {
    UErrorCode error = U_ZERO_ERROR;
    if (uscript_getScript(characters.char32At(i), &error) == USCRIPT_HANGUL) return true;
  }
  return false;
}

}  // namespace

int CacheStats(Shell& shell, Arguments arguments) {
  CLI::App app("Shows how the user's answer cache does.", "luna cache stats");
  AddOptions(app, shell.options);
  if (const std::optional<int> code = Parse(app, std::move(arguments))) return *code;
  auto request = shell.New<v1::GetCacheStatsRequest>();
  const std::function print = [&](const v1::GetCacheStatsResponse& stats) {
    shell.output.Write(absl::StrCat(stats.hits(), " hits, ", stats.misses(), " misses (",
                                    stats.hit_rate(), "), ", stats.saves(), " saved; ",
                                    stats.total_cached(), " of at most ", stats.max_size(),
                                    " kept for ", stats.ttl_seconds(), " s\n"));
  };
  return shell.Show(&v1::CacheService::Stub::GetCacheStats, request, print);
}

int CacheClear(Shell& shell, Arguments arguments) {
  CLI::App app("Deletes the user's cached answers.", "luna cache clear");
  AddOptions(app, shell.options);
  if (const std::optional<int> code = Parse(app, std::move(arguments))) return *code;
  auto request = shell.New<v1::ClearCacheRequest>();
  const std::function print = [&](const v1::ClearCacheResponse& response) {
    shell.output.Write(absl::StrCat(response.removed(), " answers deleted\n"));
  };
  return shell.Show(&v1::CacheService::Stub::ClearCache, request, print);
}

int Translate(Shell& shell, Arguments arguments) {
  std::vector<std::string> words;
  v1::TranslateRequest request;
  CLI::App app("Translates: Korean into English, anything else into Korean.", "luna translate");
  app.add_option("text", words, "What to translate, or on stdin");
  app.add_option("--from", *request.mutable_from_lang(), "Its language (BCP 47), such as ko");
  app.add_option("--to", *request.mutable_to_lang(), "Into which");
  AddOptions(app, shell.options);
  if (const std::optional<int> code = Parse(app, std::move(arguments))) return *code;
  const std::optional<std::string> text = TextOf(words);
  if (!text) return kUsage;
  request.set_text(*text);
  request.set_language(shell.options.language);
  if (request.to_lang().empty()) request.set_to_lang(HasHangul(*text) ? "en" : "ko");
  const std::function print = [&](const v1::TranslateResponse& response) {
    shell.output.Write(response.translated_text() + "\n");
  };
  return shell.Show(&v1::TranslationService::Stub::Translate, request, print);
}

int Analyze(Shell& shell, Arguments arguments) {
  std::vector<std::string> words;
  CLI::App app("Says what the person feels who wrote the text.", "luna analyze");
  app.add_option("text", words, "The text, or on stdin");
  AddOptions(app, shell.options);
  if (const std::optional<int> code = Parse(app, std::move(arguments))) return *code;
  const std::optional<std::string> text = TextOf(words);
  if (!text) return kUsage;
  v1::AnalyzeRequest request;
  request.set_text(*text);
  request.set_language(shell.options.language);
  const std::function print = [&](const v1::AnalyzeResponse& response) {
    for (const v1::EmotionScore& score : response.top()) {
      char confidence[16];
      std::snprintf(confidence, sizeof confidence, "%.2f", score.confidence());
      shell.output.Write(absl::StrCat(confidence, "  ", score.emotion(), "\n"));
    }
  };
  return shell.Show(&v1::EmotionService::Stub::Analyze, request, print);
}

int Models(Shell& shell, Arguments arguments) {
  CLI::App app("Lists the configured models, the default one first.", "luna models");
  AddOptions(app, shell.options);
  if (const std::optional<int> code = Parse(app, std::move(arguments))) return *code;
  const std::function print = [&](const v1::ListModelsResponse& response) {
    for (const v1::Model& model : response.data()) {
      shell.output.Write(absl::StrCat(model.id(), "  ", model.model(), "\n"));
    }
  };
  return shell.Show(&v1::GenerationService::Stub::ListModels, v1::ListModelsRequest(), print);
}

}  // namespace luna::client
