#include "server/emotion/model.h"

#include <fasttext/fasttext.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <boost/crc.hpp>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include "server/emotion/labels.h"
#include "server/emotion/normalize.h"

namespace luna::emotion {
namespace {

constexpr char kMagic[] = "luna-emotion 1";
constexpr char kLabelPrefix[] = "__label__";
constexpr int kTop = 5;

// fastText's own reader of streams leaves the magic number and the version unread.
class Network : public fasttext::FastText {
 public:
  bool Read(std::istream& in) {
    if (!checkModel(in)) return false;
    loadModel(in);
    return true;
  }
};

std::uint32_t Crc(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

std::string TakeLine(std::string_view& content) {
  const std::size_t end = std::min(content.find('\n'), content.size());
  std::string line(content.substr(0, end));
  content.remove_prefix(std::min(end + 1, content.size()));
  return line;
}

// Reads the header and leaves the payload; says what is wrong, or nothing.
std::string ReadHeader(std::string_view& content, Model::Calibrations& calibrations,
                       Matrix& matrix) {
  if (TakeLine(content) != kMagic) return "not an emotion model of this version";
  while (!content.empty()) {
    const std::vector<std::string> words = absl::StrSplit(TakeLine(content), ' ');
    Model::Calibration calibration;
    std::uint32_t crc = 0;
    std::size_t size = 0;
    if (words.size() == 4 && words[0] == "calibration" &&
        absl::SimpleAtod(words[2], &calibration.slope) && calibration.slope > 0 &&
        absl::SimpleAtod(words[3], &calibration.offset)) {
      calibrations[words[1]] = calibration;
    } else if (words.size() == 6 && words[0] == "payload" && absl::SimpleAtoi(words[1], &size) &&
               absl::SimpleAtoi(words[2], &crc) && absl::SimpleAtoi(words[3], &matrix.offset) &&
               absl::SimpleAtoi(words[4], &matrix.rows) &&
               absl::SimpleAtoi(words[5], &matrix.columns)) {
      if (content.size() != size) return "cut short, or longer than it says";
      return Crc(content) == crc ? "" : "harmed: its checksum is wrong";
    } else {
      break;
    }
  }
  return "its header is wrong";
}

// A long text's two ends. A code point that is cut reads as white space.
std::string Ends(std::string_view text) {
  constexpr std::size_t kHalf = Model::kMostBytes / 2;
  if (text.size() <= Model::kMostBytes) return std::string(text);
  return absl::StrCat(std::string(text.substr(0, kHalf)), " ",
                      std::string(text.substr(text.size() - kHalf)));
}

bool HasAllLabels(const fasttext::FastText& network) {
  const auto dictionary = network.getDictionary();
  std::set<std::string> found;
  for (int i = 0; i < dictionary->nlabels(); ++i) found.insert(dictionary->getLabel(i));
  std::set<std::string> wanted;
  for (const absl::string_view label : kLabels) wanted.insert(kLabelPrefix + std::string(label));
  return found == wanted;
}

}  // namespace

double Model::Calibration::Apply(double p) const {
  const double q = std::clamp(p, 1e-6, 1 - 1e-6);
  return 1 / (1 + std::exp(-(slope * std::log(q / (1 - q)) + offset)));
}

Model::Model(std::unique_ptr<const fasttext::FastText> network, Calibrations calibrations)
    : network_(std::move(network)), calibrations_(std::move(calibrations)) {}

Model::~Model() = default;

absl::StatusOr<std::shared_ptr<const Model>> Model::Load(const std::string& file) {
  const auto fail = [&](const std::string& what) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": ", what));
  };
  std::ifstream in(file, std::ios::binary);
  in.peek();  // a directory opens, and is bad once it is read
  if (in.bad() || !in.is_open()) return fail("cannot be read");
  const std::string content{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (in.bad()) return fail("cannot be read");
  std::string_view payload = content;
  Calibrations calibrations;
  Matrix matrix;
  if (const std::string wrong = ReadHeader(payload, calibrations, matrix); !wrong.empty()) {
    return fail(wrong);
  }
  auto network = std::make_unique<Network>();
  try {
    std::optional<std::string> unpacked = UnpackMatrix(payload, matrix);
    if (!unpacked) return fail("its header is wrong");
    std::istringstream stream(*std::move(unpacked));
    if (!network->Read(stream)) return fail("not a model that this fastText reads");
  } catch (const std::exception& error) {
    return fail(absl::StrCat("not a model that this fastText reads: ", error.what()));
  }
  if (!HasAllLabels(*network)) return fail("its labels are not those of GoEmotions");
  return std::shared_ptr<const Model>(new Model(std::move(network), std::move(calibrations)));
}

std::string Model::Pack(std::string_view payload, const Matrix& matrix,
                        const Calibrations& calibrations) {
  const std::string packed = PackMatrix(payload, matrix);
  std::string content = absl::StrCat(kMagic, "\n");
  for (const auto& [language, calibration] : calibrations) {
    absl::StrAppend(&content, "calibration ", language, " ", calibration.slope, " ",
                    calibration.offset, "\n");
  }
  absl::StrAppend(&content, "payload ", packed.size(), " ", Crc(packed), " ", matrix.offset, " ",
                  matrix.rows, " ", matrix.columns, "\n", packed);
  return content;
}

std::vector<v1::EmotionScore> Model::Scores(std::string_view text) const {
  // As in training: fastText ends a line with a token of its own.
  std::istringstream line(Spell(Normalize(Ends(text))) + "\n");
  std::vector<std::int32_t> features;
  std::vector<std::int32_t> labels;
  network_->getDictionary()->getLine(line, features, labels);
  const std::int32_t end = network_->getWordId(fasttext::Dictionary::EOS);
  std::vector<v1::EmotionScore> scores;
  if (std::ranges::all_of(features, [&](std::int32_t id) { return id == end; })) return scores;

  fasttext::Predictions predictions;
  network_->predict(static_cast<int>(kLabels.size()), features, predictions);
  const auto found = calibrations_.find(LanguageOf(text));
  const Calibration calibration = found == calibrations_.end() ? Calibration() : found->second;
  scores.reserve(predictions.size());
  for (const auto& [log_probability, label] : predictions) {
    v1::EmotionScore& score = scores.emplace_back();
    score.set_emotion(network_->getDictionary()->getLabel(label).substr(sizeof(kLabelPrefix) - 1));
    const double confidence = calibration.Apply(std::exp(log_probability));
    score.set_confidence(std::round(confidence * 1e4) / 1e4);
  }
  return scores;
}

v1::Emotion Model::Classify(std::string_view text) const {
  std::vector<v1::EmotionScore> scores = Scores(text);
  if (scores.empty()) scores.emplace_back().set_emotion(std::string(kNeutral));
  v1::Emotion emotion;
  emotion.set_emotion(scores.front().emotion());
  emotion.set_confidence(scores.front().confidence());
  for (std::size_t i = 0; i < std::min<std::size_t>(kTop, scores.size()); ++i) {
    *emotion.add_top() = std::move(scores[i]);
  }
  return emotion;
}

std::string LanguageOf(std::string_view text) {
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t at = 0; at < size;) {
    UChar32 c = 0;
    U8_NEXT(text.data(), at, size, c);
    UErrorCode failed = U_ZERO_ERROR;
    if (c > 0 && uscript_getScript(c, &failed) == USCRIPT_HANGUL) return "ko";
  }
  return "en";
}

}  // namespace luna::emotion
