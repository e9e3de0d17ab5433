#include "server/emotion/model.h"

#include <fasttext/fasttext.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <boost/crc.hpp>
#include <unicode/utf8.h>

#include "server/base/hangul.h"
#include "server/emotion/labels.h"
#include "server/emotion/normalize.h"

namespace luna::emotion {
namespace {

constexpr std::string_view kMagic = "luna-emotion 3\n";
constexpr char kLabelPrefix[] = "__label__";
constexpr std::array<std::string_view, 4> kCalibrations = {"en", "en-others", "ko", "ko-others"};
constexpr char kProbe[] = "I am so happy! 너무 슬퍼 ㅠㅠ";
constexpr int kTop = 5;
constexpr std::size_t kMostFileBytes = 64 << 20;

// fastText's own reader of streams leaves the magic number and the version unread.
class Network : public fasttext::FastText {
 public:
  // Throws where the stream ends too early. fastText itself would read on.
  bool Read(std::istream& in, const Matrix& matrix) {
    in.exceptions(std::ios::badbit | std::ios::failbit | std::ios::eofbit);
    if (!checkModel(in)) return false;
    const auto start = in.tellg();
    fasttext::Args args;
    args.load(in);
    const auto columns = static_cast<std::int64_t>(matrix.columns);
    if (args.model != fasttext::model_name::sup || args.bucket <= 0 || args.dim != columns) {
      return false;
    }
    in.seekg(start);
    loadModel(in);
    return input_->size(0) == dict_->nwords() + std::int64_t{args.bucket} &&
           input_->size(1) == columns && output_->size(0) == dict_->nlabels() &&
           output_->size(1) == columns;
  }
};

// Of the header up to the checksum, and of the payload.
std::uint32_t Crc(std::string_view header, std::string_view payload) {
  boost::crc_32_type crc;
  crc.process_bytes(header.data(), header.size());
  crc.process_bytes(payload.data(), payload.size());
  return crc.checksum();
}

// Sets the content of a file that begins as a model; says what is wrong, or nothing.
std::string ReadFile(const std::string& file, std::string& content) {
  std::error_code failed;
  const std::filesystem::file_status status = std::filesystem::status(file, failed);
  if (failed || !std::filesystem::exists(status)) return "cannot be read";
  if (!std::filesystem::is_regular_file(status)) return "not a regular file";
  const std::uintmax_t size = std::filesystem::file_size(file, failed);
  std::ifstream in(file, std::ios::binary);
  if (failed || !in.is_open()) return "cannot be read";
  content.resize(kMagic.size());
  if (!in.read(content.data(), kMagic.size()) || content != kMagic) {
    return "not an emotion model of this version";
  }
  if (size > kMostFileBytes) return "larger than any emotion model";
  content.resize(std::max<std::size_t>(size, kMagic.size()));
  if (!in.read(content.data() + kMagic.size(), content.size() - kMagic.size())) {
    return "cannot be read";
  }
  return "";
}

std::string TakeLine(std::string_view& content) {
  const std::size_t end = std::min(content.find('\n'), content.size());
  std::string line(content.substr(0, end));
  content.remove_prefix(std::min(end + 1, content.size()));
  return line;
}

bool ReadCalibration(const std::vector<std::string>& words, Model::Calibrations& calibrations) {
  Model::Calibration calibration;
  return words.size() == 4 && words[0] == "calibration" &&
         std::ranges::find(kCalibrations, words[1]) != kCalibrations.end() &&
         absl::SimpleAtod(words[2], &calibration.slope) && std::isfinite(calibration.slope) &&
         calibration.slope > 0 && absl::SimpleAtod(words[3], &calibration.offset) &&
         std::isfinite(calibration.offset) && calibrations.emplace(words[1], calibration).second;
}

// Reads the header and leaves the payload; says what is wrong, or nothing.
std::string ReadHeader(std::string_view& content, Model::Calibrations& calibrations,
                       Matrix& matrix) {
  const std::string_view file = content;
  content.remove_prefix(kMagic.size());
  while (!content.empty()) {
    const std::vector<std::string> words = absl::StrSplit(TakeLine(content), ' ');
    if (ReadCalibration(words, calibrations)) continue;
    std::uint32_t crc = 0;
    std::size_t size = 0;
    if (words.size() != 6 || words[0] != "payload" || !absl::SimpleAtoi(words[1], &size) ||
        !absl::SimpleAtoi(words[2], &matrix.offset) || !absl::SimpleAtoi(words[3], &matrix.rows) ||
        !absl::SimpleAtoi(words[4], &matrix.columns) || !absl::SimpleAtoi(words[5], &crc) ||
        calibrations.size() != kCalibrations.size()) {
      break;
    }
    if (content.size() != size) return "cut short, or longer than it says";
    const std::string_view checked =
        file.substr(0, file.size() - content.size() - 1 - words[5].size());
    return Crc(checked, content) == crc ? "" : "harmed: its checksum is wrong";
  }
  return "its header is wrong";
}

// Whether what fastText wrote has the two matrices, unquantised, where and as large as the header
// says: each is a flag, two sides and the numbers, and they end the file. fastText allocates what
// it reads there.
bool HasMatrices(std::string_view file, const Matrix& matrix) {
  constexpr std::size_t kBefore = 1 + 2 * sizeof(std::int64_t);
  const std::size_t end = matrix.offset + matrix.bytes();
  if (matrix.columns == 0 || matrix.offset < kBefore || file.size() < end + kBefore) return false;
  const auto side = [&](std::size_t at) {
    std::uint64_t number = 0;
    std::memcpy(&number, file.data() + at, sizeof(number));
    return number;
  };
  const std::size_t rest = file.size() - end - kBefore;
  const std::size_t row = matrix.columns * sizeof(float);
  return file[matrix.offset - kBefore] == 0 && file[end] == 0 &&
         side(matrix.offset - 16) == matrix.rows && side(matrix.offset - 8) == matrix.columns &&
         rest % row == 0 && side(end + 1) == rest / row && side(end + 9) == matrix.columns;
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

// Whether training has seen a word of the text, or what one begins with: Korean's endings make more
// words than any training sees. Pieces of words tell nothing, since each has its place by its hash.
bool Understands(const fasttext::Dictionary& dictionary, const std::string& spelled) {
  constexpr std::size_t kLeastLetters = 4;
  constexpr std::size_t kMostLetters = 16;  // which bounds the time that one long word takes
  const auto known = [&](const std::string& word) {
    const std::int32_t id = dictionary.getId(word);
    return id >= 0 && dictionary.getType(id) == fasttext::entry_type::word;
  };
  for (const absl::string_view part : absl::StrSplit(spelled, ' ', absl::SkipEmpty())) {
    const std::string word(part);
    if (known(word)) return true;
    const auto size = static_cast<std::int32_t>(word.size());
    std::int32_t at = 0;
    for (std::size_t letters = 1; at < size && letters <= kMostLetters; ++letters) {
      U8_FWD_1(word.data(), at, size);
      if (letters >= kLeastLetters && known(word.substr(0, at))) return true;
    }
  }
  return false;
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
  std::string content;
  if (const std::string wrong = ReadFile(file, content); !wrong.empty()) return fail(wrong);
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
    if (!HasMatrices(*unpacked, matrix)) return fail("its sizes do not agree");
    std::istringstream stream(*std::move(unpacked));
    if (!network->Read(stream, matrix)) return fail("not a model that this fastText reads");
    if (!HasAllLabels(*network)) return fail("its labels are not those of GoEmotions");
    std::shared_ptr<const Model> model(new Model(std::move(network), std::move(calibrations)));
    const std::vector<v1::EmotionScore> scores = model->Scores(kProbe);
    if (scores.size() != kLabels.size() ||
        !std::ranges::all_of(scores, [](const auto& s) { return std::isfinite(s.confidence()); })) {
      return fail("it says nothing, or no number");
    }
    return model;
  } catch (const std::exception& error) {
    return fail(absl::StrCat("not a model that this fastText reads: ", error.what()));
  }
}

std::string Model::Pack(std::string_view payload, const Matrix& matrix,
                        const Calibrations& calibrations) {
  const std::string packed = PackMatrix(payload, matrix);
  std::string content = std::string(kMagic);
  for (const auto& [language, calibration] : calibrations) {
    absl::StrAppend(&content, "calibration ", language, " ", calibration.slope, " ",
                    calibration.offset, "\n");
  }
  absl::StrAppend(&content, "payload ", packed.size(), " ", matrix.offset, " ", matrix.rows, " ",
                  matrix.columns, " ");
  absl::StrAppend(&content, Crc(content, packed), "\n", packed);
  return content;
}

std::vector<v1::EmotionScore> Model::Scores(std::string_view text) const {
  std::vector<v1::EmotionScore> scores;
  const std::string spelled = Spell(Normalize(Ends(text)));
  if (!Understands(*network_->getDictionary(), spelled)) {
    v1::EmotionScore& neutral = scores.emplace_back();
    neutral.set_emotion(std::string(kNeutral));
    neutral.set_confidence(kNeutralShare);
    return scores;
  }
  // As in training: fastText ends a line with a token of its own.
  std::istringstream line(spelled + "\n");
  std::vector<std::int32_t> features;
  std::vector<std::int32_t> labels;
  network_->getDictionary()->getLine(line, features, labels);
  fasttext::Predictions predictions;
  network_->predict(static_cast<int>(kLabels.size()), features, predictions);
  const std::string language = LanguageOf(text);
  const Calibration& best = calibrations_.at(language);
  const Calibration& others = calibrations_.at(language + "-others");
  scores.reserve(predictions.size());
  for (const auto& [log_probability, label] : predictions) {
    const double p = std::exp(log_probability);
    const double confidence =
        scores.empty() ? best.Apply(p) : std::min(others.Apply(p), scores.back().confidence());
    v1::EmotionScore& score = scores.emplace_back();
    score.set_emotion(network_->getDictionary()->getLabel(label).substr(sizeof(kLabelPrefix) - 1));
    score.set_confidence(std::round(confidence * 1e4) / 1e4);
  }
  return scores;
}

v1::Emotion Model::Classify(std::string_view text) const {
  std::vector<v1::EmotionScore> scores = Scores(text);
  v1::Emotion emotion;
  emotion.set_emotion(scores.front().emotion());
  emotion.set_confidence(scores.front().confidence());
  for (std::size_t i = 0; i < std::min<std::size_t>(kTop, scores.size()); ++i) {
    *emotion.add_top() = std::move(scores[i]);
  }
  return emotion;
}

std::string LanguageOf(std::string_view text) { return HasHangul(text) ? "ko" : "en"; }

}  // namespace luna::emotion
