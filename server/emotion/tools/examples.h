#pragma once

#include <map>
#include <string>
#include <vector>

#include "luna/v1/interaction.pb.h"
#include "server/emotion/model.h"

// What training and evaluation of the embedded model share.
namespace luna::emotion {

// A text and the labels that are right for it. `mark` is plain, negation or hard.
struct Example {
  std::string language;
  std::string mark;
  std::vector<std::string> labels;
  std::string text;

  bool Accepts(const std::string& label) const;
};

// Reads lines of LANGUAGE, MARK, LABELS (with commas) and TEXT, with a tab between. Throws
// std::runtime_error where the file is not so.
std::vector<Example> ReadExamples(const std::string& file);

// What the model said of an example.
struct Judged {
  std::vector<v1::EmotionScore> scores;
  bool right = false;
};

std::vector<Judged> Judge(const Model& model, const std::vector<Example>& examples);

// The second to the fifth label of each example, each as one that may be right.
std::vector<Judged> Others(const std::vector<Example>& examples, const std::vector<Judged>& judged);

// What makes the first labels' confidences likeliest.
Model::Calibration FitCalibration(const std::vector<Judged>& judged);

// The expected calibration error of the first label's confidence, in 15 bins of one width, once
// calibrated.
double CalibrationError(const std::vector<Judged>& judged, const Model::Calibration& calibration);

}  // namespace luna::emotion
