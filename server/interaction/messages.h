#pragma once

#include <string>

#include "luna/v1/interaction.pb.h"
#include "server/config/config.h"

// What a person reads when something fails, in the request's language (`ko` unless it is `en`).
namespace luna::messages {

std::string Empty(const std::string& language, const std::string& field);
std::string TooLong(const std::string& language, const std::string& field, int most_bytes);
std::string TextOrTexts(const std::string& language);
std::string TooMany(const std::string& language, const std::string& field, int most);
std::string NotBetween(const std::string& language, const std::string& field, int least, int most);
std::string Missing(const std::string& language);
std::string NotUtf8(const std::string& language);
std::string NotPast(const std::string& language);
std::string NoTime(const std::string& language);
std::string NoText(const std::string& language);
std::string NoObject(const std::string& language);
// Of a file: where `what` is wrong.
std::string AtLine(const std::string& language, int number, const std::string& what);
std::string AtEntry(const std::string& language, int number, const std::string& what);
std::string NoConversation(const std::string& language, int id);
std::string ConversationDeleted(const std::string& language, int id);
std::string NothingToSumUp(const std::string& language);
std::string SummedUp(const std::string& language);
std::string CacheCleanedUp(const std::string& language, int removed);
std::string CacheCleared(const std::string& language, int removed);
std::string ConfirmNeeded(const std::string& language);
std::string NoEmotionEngine(const std::string& language);
std::string NoTranslationEngine(const std::string& language);
std::string NoLanguageTag(const std::string& language, const std::string& field,
                          const std::string& tag);
std::string UnknownLanguage(const std::string& value);
std::string UnknownTarget(const std::string& language, const std::string& name,
                          const std::string& known_names);
// `instead`: what does not stream, such as POST /interact.
std::string StreamingDisabled(const std::string& language, const std::string& target,
                              const std::string& instead);
std::string OnePrompt(const std::string& language);
std::string UnknownRole(const std::string& language, const std::string& field,
                        const std::string& role);
std::string NoUserMessage(const std::string& language);
std::string AnswerTooLong(const std::string& language, int most_bytes);

// A model's failure: which part it comes from, in the words of the guide, what `code` (Name of
// base/error.h) means, then `detail`, which is English, the provider's, or both.
std::string ModelFailed(const std::string& language, const config::Target& target, bool streaming,
                        const std::string& code, const std::string& detail);

}  // namespace luna::messages
