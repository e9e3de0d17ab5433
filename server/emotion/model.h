#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "luna/v1/interaction.pb.h"
#include "server/emotion/packing.h"

namespace fasttext {
class FastText;
}

namespace luna::emotion {

// What a person feels, by the embedded model: a fastText classifier over the 28 GoEmotions labels,
// for Korean and English. Immutable, so all threads share one. No I/O after Load.
//
// A model file is a header in lines, `luna-emotion 3`, `calibration NAME SLOPE OFFSET` for each
// calibration, `payload SIZE OFFSET ROWS COLUMNS CRC32`, and then what fastText writes with its
// largest matrix, which stands there, packed (packing.h). The checksum is of all else in the file:
// what stands before it and the payload.
class Model {
 public:
  // Platt's calibration: what the network gives as p is right with the probability
  // 1 / (1 + exp(-(slope * log(p / (1 - p)) + offset))).
  struct Calibration {
    double slope = 1;
    double offset = 0;

    double Apply(double p) const;
  };
  // By language, of the best label and of the others: "ko", "ko-others", "en", "en-others".
  using Calibrations = std::map<std::string, Calibration>;

  // Of a longer text the first and the last half of this are read, which bounds the time.
  static constexpr std::size_t kMostBytes = 2048;

  // Reads a model file. An error is one line that names the file: it is missing, or it is not a
  // model of this version, whole and unharmed.
  static absl::StatusOr<std::shared_ptr<const Model>> Load(const std::string& file);

  // A model file's content, from what fastText wrote, with `matrix` packed.
  static std::string Pack(std::string_view payload, const Matrix& matrix,
                          const Calibrations& calibrations);

  ~Model();

  // All labels, the best first, each with the probability that it is right (several can be, so they
  // do not add up to 1), to four digits. Where nothing was understood, that is where no word, mark
  // or emoji of the text is one that training has seen twice, nor begins with one of four to 16
  // letters, `neutral` alone. About 30 us for an utterance, 0.3 ms for the longest text: less than
  // it takes to go to another thread and back, so it runs on the loops. The unpacked model takes
  // 25 MB, once.
  std::vector<v1::EmotionScore> Scores(std::string_view text) const;

  // The best label with its confidence, and the five best.
  v1::Emotion Classify(std::string_view text) const;

 private:
  Model(std::unique_ptr<const fasttext::FastText> network, Calibrations calibrations);

  std::unique_ptr<const fasttext::FastText> network_;
  Calibrations calibrations_;
};

// "ko" for a text with any Hangul in it, else "en".
std::string LanguageOf(std::string_view text);

}  // namespace luna::emotion
