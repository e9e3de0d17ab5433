#include "server/emotion/tools/examples.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <stdexcept>
#include <utility>

#include <absl/strings/str_split.h>

#include "server/emotion/labels.h"

namespace luna::emotion {
bool Example::Accepts(const std::string& label) const {
  return std::ranges::find(labels, label) != labels.end();
}

std::vector<Example> ReadExamples(const std::string& file) {
  std::ifstream in(file);
  std::vector<Example> examples;
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits('\t', 3));
    if (fields.size() != 4) throw std::runtime_error(file + ": expected four fields: " + line);
    Example example{fields[0], fields[1], absl::StrSplit(fields[2], ','), fields[3]};
    for (const std::string& label : example.labels) {
      if (std::ranges::find(kLabels, label) != kLabels.end()) continue;
      throw std::runtime_error(file + ": no label: " + label);
    }
    examples.push_back(std::move(example));
  }
  if (examples.empty()) throw std::runtime_error(file + ": cannot be read, or is empty");
  return examples;
}

std::vector<Judged> Judge(const Model& model, const std::vector<Example>& examples) {
  std::vector<Judged> result;
  result.reserve(examples.size());
  for (const Example& example : examples) {
    Judged judged;
    judged.scores = model.Scores(example.text);
    judged.right = example.Accepts(judged.scores.front().emotion());
    result.push_back(std::move(judged));
  }
  return result;
}

std::vector<Judged> Others(const std::vector<Example>& examples,
                           const std::vector<Judged>& judged) {
  std::vector<Judged> others;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const std::vector<v1::EmotionScore>& scores = judged[i].scores;
    for (std::size_t rank = 1; rank < std::min<std::size_t>(5, scores.size()); ++rank) {
      others.push_back({{scores[rank]}, examples[i].Accepts(scores[rank].emotion())});
    }
  }
  return others;
}

Model::Calibration FitCalibration(const std::vector<Judged>& judged) {
  // Newton's method for a logistic regression on one variable.
  Model::Calibration fitted;
  for (int step = 0; step < 50; ++step) {
    double slope = 0, offset = 0, xx = 1e-9, x1 = 0, one = 1e-9;
    for (const Judged& example : judged) {
      const double p = std::clamp(example.scores.front().confidence(), 1e-6, 1 - 1e-6);
      const double x = std::log(p / (1 - p));
      const double q = fitted.Apply(p);
      const double miss = (example.right ? 1 : 0) - q;
      const double weight = q * (1 - q);
      slope += miss * x;
      offset += miss;
      xx += weight * x * x;
      x1 += weight * x;
      one += weight;
    }
    const double determinant = xx * one - x1 * x1;
    fitted.slope += (one * slope - x1 * offset) / determinant;
    fitted.offset += (xx * offset - x1 * slope) / determinant;
  }
  return fitted;
}

double CalibrationError(const std::vector<Judged>& judged, const Model::Calibration& calibration) {
  struct Bin {
    double confidence = 0;
    int right = 0;
  };
  std::array<Bin, 15> bins;
  for (const Judged& one : judged) {
    const double confidence = calibration.Apply(one.scores.front().confidence());
    Bin& bin = bins[std::min(bins.size() - 1, static_cast<std::size_t>(confidence * bins.size()))];
    bin.confidence += confidence;
    bin.right += one.right ? 1 : 0;
  }
  double error = 0;
  for (const Bin& bin : bins) error += std::abs(bin.confidence - bin.right);
  return error / static_cast<double>(judged.size());
}

}  // namespace luna::emotion
