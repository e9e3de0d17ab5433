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
namespace {

double Confidence(const Judged& judged, double temperature) {
  std::vector<v1::EmotionScore> scores = judged.scores;
  Temper(temperature, scores);
  return scores.front().confidence();
}

// What the confidences say against what came true, as a log loss.
double Loss(const std::vector<Judged>& judged, double temperature) {
  double loss = 0;
  for (const Judged& one : judged) {
    const double confidence = std::clamp(Confidence(one, temperature), 1e-6, 1 - 1e-6);
    loss -= std::log(one.right ? confidence : 1 - confidence);
  }
  return loss;
}

}  // namespace

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
    if (judged.scores.empty()) {
      judged.scores.emplace_back().set_emotion(std::string(kNeutral));
    }
    judged.right = example.Accepts(judged.scores.front().emotion());
    result.push_back(std::move(judged));
  }
  return result;
}

double FitTemperature(const std::vector<Judged>& judged) {
  // Unimodal: a golden section would save nothing that matters.
  double best = 1;
  double least = Loss(judged, best);
  for (int hundredths = 30; hundredths <= 300; ++hundredths) {
    const double temperature = hundredths / 100.0;
    const double loss = Loss(judged, temperature);
    if (loss < least) {
      least = loss;
      best = temperature;
    }
  }
  return best;
}

double CalibrationError(const std::vector<Judged>& judged, double temperature) {
  struct Bin {
    double confidence = 0;
    int right = 0;
  };
  std::array<Bin, 15> bins;
  for (const Judged& one : judged) {
    const double confidence = Confidence(one, temperature);
    Bin& bin = bins[std::min(bins.size() - 1, static_cast<std::size_t>(confidence * bins.size()))];
    bin.confidence += confidence;
    bin.right += one.right ? 1 : 0;
  }
  double error = 0;
  for (const Bin& bin : bins) error += std::abs(bin.confidence - bin.right);
  return error / static_cast<double>(judged.size());
}

}  // namespace luna::emotion
