// emotion-evaluate MODEL EVERYDAY DEVELOPMENT: how good the embedded emotion model is, through the
// code that serves it. Exit code 1 where it is not as good as it has to be. Of the everyday
// utterances those least like what was trained on stand first.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <absl/strings/str_join.h>

#include "server/emotion/labels.h"
#include "server/emotion/model.h"
#include "server/emotion/tools/examples.h"

namespace luna::emotion {
namespace {

constexpr double kMostCalibrationError = 0.05;
constexpr double kLeastEveryday = 0.85;
constexpr std::size_t kLeastAlike = 60;
const std::map<std::string, double> kLeastPrecision = {{"ko", 0.49}, {"en", 0.56}};

bool all_good = true;

const char* Verdict(bool good) {
  all_good = all_good && good;
  return good ? "" : "  NOT ENOUGH";
}

double ShareRight(const std::vector<Judged>& judged) {
  const auto right = std::ranges::count_if(judged, [](const Judged& one) { return one.right; });
  return judged.empty() ? 0 : static_cast<double>(right) / static_cast<double>(judged.size());
}

// Over the labels, of one best label an example.
double MacroF1(const std::vector<Example>& examples, const std::vector<Judged>& judged) {
  double sum = 0;
  for (const absl::string_view name : kLabels) {
    const std::string label(name);
    int hits = 0, said = 0, wanted = 0;
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const bool says = judged[i].scores.front().emotion() == label;
      const bool wants = examples[i].Accepts(label);
      hits += says && wants;
      said += says;
      wanted += wants;
    }
    if (said + wanted > 0) sum += 2.0 * hits / (said + wanted);
  }
  return sum / kLabels.size();
}

// The calibration error of each half under what is fitted on the other one. The confidences are
// calibrated already; what is fitted here is of the same form, so that it takes the place of that.
double CrossFittedError(const std::vector<Judged>& judged) {
  std::vector<Judged> halves[2];
  for (std::size_t i = 0; i < judged.size(); ++i) halves[i % 2].push_back(judged[i]);
  return (CalibrationError(halves[0], FitCalibration(halves[1])) +
          CalibrationError(halves[1], FitCalibration(halves[0]))) /
         2;
}

void Development(const std::string& language, const std::vector<Example>& examples,
                 const Model& model) {
  const std::vector<Judged> judged = Judge(model, examples);
  const double precision = ShareRight(judged);
  const double least = kLeastPrecision.at(language);
  const double shipped = CalibrationError(judged, {});
  const double crossed = CrossFittedError(judged);
  std::printf("%s, %zu development comments\n", language.c_str(), examples.size());
  std::printf("  precision at 1     %.4f  (at least %.2f)%s\n", precision, least,
              Verdict(precision >= least));
  std::printf("  macro-F1           %.4f\n", MacroF1(examples, judged));
  std::printf("  ECE                %.4f  as served (at most %.2f)%s\n", shipped,
              kMostCalibrationError, Verdict(shipped <= kMostCalibrationError));
  std::printf("  ECE, cross-fitted  %.4f  each half under the other's calibration%s\n", crossed,
              Verdict(crossed <= kMostCalibrationError));
  const double others = CalibrationError(Others(examples, judged), {});
  std::printf("  ECE, second to fifth label  %.4f  (at most %.2f)%s\n", others,
              kMostCalibrationError, Verdict(others <= kMostCalibrationError));
}

void Everyday(const std::vector<Example>& examples, const Model& model) {
  const std::vector<Judged> judged = Judge(model, examples);
  std::printf("everyday utterances\n");
  const auto share = [&](const char* name, auto belongs) {
    int right = 0, count = 0;
    for (std::size_t i = 0; i < examples.size(); ++i) {
      if (!belongs(i)) continue;
      right += judged[i].right;
      ++count;
    }
    std::printf("  %-18s %.3f  %d of %d\n", name, count == 0 ? 0 : 1.0 * right / count, right,
                count);
  };
  share("Korean", [&](std::size_t i) { return examples[i].language == "ko"; });
  share("English", [&](std::size_t i) { return examples[i].language == "en"; });
  share("negations", [&](std::size_t i) { return examples[i].mark == "negation"; });
  share("hard (irony)", [&](std::size_t i) { return examples[i].mark == "hard"; });
  share("60 least alike", [](std::size_t i) { return i < kLeastAlike; });
  share("the others", [](std::size_t i) { return i >= kLeastAlike; });
  const double all = ShareRight(judged);
  std::printf("  %-18s %.3f  (at least %.2f)%s\n", "all", all, kLeastEveryday,
              Verdict(all >= kLeastEveryday));
  std::printf("  %-18s %.3f\n", "ECE", CalibrationError(judged, {}));
  std::printf("  not as a reader would, the least alike first:\n");
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (judged[i].right) continue;
    const v1::EmotionScore& best = judged[i].scores.front();
    std::printf("    %s %.2f, not %s: %s\n", best.emotion().c_str(), best.confidence(),
                absl::StrJoin(examples[i].labels, "/").c_str(), examples[i].text.c_str());
  }
}

using Microseconds = std::chrono::duration<double, std::micro>;

// In microseconds by the clock on the wall.
std::vector<double> Times(const Model& model, const std::vector<Example>& examples) {
  std::vector<double> times;
  times.reserve(examples.size());
  for (const Example& example : examples) {
    const auto start = std::chrono::steady_clock::now();
    const v1::Emotion emotion = model.Classify(example.text);
    times.push_back(Microseconds(std::chrono::steady_clock::now() - start).count());
  }
  return times;
}

void PrintTimes(const std::string& title, std::vector<double> times) {
  std::ranges::sort(times);
  const auto at = [&](double share) {
    return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
  };
  std::printf("  %-18s p50 %.0f us, p99 %.0f us\n", title.c_str(), at(0.5), at(0.99));
}

void Speed(const Model& model, const std::vector<Example>& examples) {
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  std::printf("time of one classification, over the development comments\n");
  Times(model, examples);  // the caches are warm then
  PrintTimes("one core", Times(model, examples));
  std::vector<std::vector<double>> times(cores);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < cores; ++i) {
    threads.emplace_back([&, i] { times[i] = Times(model, examples); });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<double> all;
  for (const auto& some : times) all.insert(all.end(), some.begin(), some.end());
  PrintTimes(std::to_string(cores) + " cores at once", std::move(all));
  std::string longest;
  while (longest.size() < (16 << 10)) longest += examples[longest.size() % examples.size()].text;
  const Example most{"", "", {}, longest.substr(0, 16 << 10)};
  PrintTimes("16 KiB of input", Times(model, std::vector<Example>(100, most)));
}

int Main(const std::string& file, const std::string& everyday, const std::string& development) {
  const auto model = Model::Load(file);
  if (!model.ok()) throw std::runtime_error(std::string(model.status().message()));
  const std::vector<Example> comments = ReadExamples(development);
  for (const auto& [language, least] : kLeastPrecision) {
    std::vector<Example> some;
    std::ranges::copy_if(comments, std::back_inserter(some),
                         [&](const Example& example) { return example.language == language; });
    Development(language, some, **model);
  }
  Everyday(ReadExamples(everyday), **model);
  Speed(**model, comments);
  return all_good ? 0 : 1;
}

}  // namespace
}  // namespace luna::emotion

int main(int argc, char** argv) try {
  if (argc == 4) return luna::emotion::Main(argv[1], argv[2], argv[3]);
  std::cerr << "emotion-evaluate MODEL EVERYDAY DEVELOPMENT\n";
  return 2;
} catch (const std::exception& error) {
  std::cerr << "emotion-evaluate: " << error.what() << "\n";
  return 1;
}
