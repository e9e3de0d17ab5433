#include <functional>
#include <utility>

#include "server/rpc/worker.h"

namespace luna::rpc {

Methods LunaMethods(Interaction& interaction) {
  Methods methods;
  methods.Add<v1::AnswerRequest, v1::AnswerResponse>(
      "luna.v1.InteractionService.Answer", [&](v1::AnswerRequest request, const Caller& caller) {
        return interaction.Answer(std::move(request), caller);
      });
  return methods;
}

}  // namespace luna::rpc
