#include <functional>
#include <utility>

#include "server/rpc/analyze.h"
#include "server/rpc/worker.h"

namespace luna::rpc {

Methods LunaMethods(Interaction& interaction, EmotionClassifier* emotion) {
  Methods methods;
  methods.Add<v1::AnswerRequest, v1::AnswerResponse>(
      "luna.v1.InteractionService.Answer", [&](v1::AnswerRequest request, const Caller& caller) {
        return interaction.Answer(std::move(request), caller);
      });
  methods.Add<v1::AnalyzeRequest, v1::AnalyzeResponse>(
      "luna.v1.EmotionService.Analyze", [=](v1::AnalyzeRequest request, const Caller&) {
        return Analyze(std::move(request), emotion);
      });
  return methods;
}

}  // namespace luna::rpc
