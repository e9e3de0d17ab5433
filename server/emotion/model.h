#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "luna/v1/interaction.pb.h"

namespace fasttext {
class FastText;
}

namespace luna::emotion {

// What a person feels, by the embedded model: a fastText classifier over the 28 GoEmotions labels,
// for Korean and English. Immutable, so all threads share one. No I/O after Load.
//
// A model file is a header in lines, `luna-emotion 1`, `temperature LANGUAGE NUMBER` for each
// language, `payload SIZE CRC32`, and then what fastText itself writes.
class Model {
 public:
  // How a language's probabilities are flattened (over 1) or sharpened, by "ko" and "en".
  using Temperatures = std::map<std::string, double>;

  // Reads a model file. An error is one line that names the file: it is missing, or it is not a
  // model of this version, whole and unharmed.
  static absl::StatusOr<std::shared_ptr<const Model>> Load(const std::string& file);

  // A model file's content, from what fastText wrote.
  static std::string Pack(const std::string& payload, const Temperatures& temperatures);

  ~Model();

  // All labels with their probabilities, the best first. Empty where nothing in the text was
  // understood. Takes about 20 us for an utterance, 2 ms for 16 KiB: it may run on a loop.
  std::vector<v1::EmotionScore> Scores(std::string_view text) const;

  // The best label with its confidence, and the five best. Where nothing was understood that is
  // `neutral` with a confidence of 0, alone.
  v1::Emotion Classify(std::string_view text) const;

 private:
  Model(std::unique_ptr<const fasttext::FastText> network, Temperatures temperatures);

  std::unique_ptr<const fasttext::FastText> network_;
  Temperatures temperatures_;
};

// "ko" for a text with any Hangul in it, else "en".
std::string LanguageOf(std::string_view text);

// Flattens what Scores gave by a temperature.
void Temper(double temperature, std::vector<v1::EmotionScore>& scores);

}  // namespace luna::emotion
