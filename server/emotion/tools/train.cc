// emotion-train EXAMPLES DEVELOPMENT MODEL: trains the embedded emotion model on the examples, fits
// its confidence on the development examples and writes the model file. One thread: the same data
// give the same model.
//
// emotion-train --normalize: a filter, the normalised line for each line on stdin.

#include <fasttext/fasttext.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "server/emotion/model.h"
#include "server/emotion/normalize.h"
#include "server/emotion/tools/examples.h"

namespace luna::emotion {
namespace {

// Chosen by ../../../config/emotion/README.md's table.
std::vector<std::string> Arguments(const std::string& base) {
  return {"fasttext",    "supervised", "-input",    base + ".text",
          "-output",     base,         "-bucket",   "200000",
          "-dim",        "24",         "-minn",     "3",
          "-maxn",       "5",          "-minCount", "2",
          "-wordNgrams", "2",          "-epoch",    "4",
          "-lr",         "0.3",        "-thread",   "1",
          "-verbose",    "1"};
}

std::string ReadAll(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void Write(const std::string& file, const std::string& content) {
  std::ofstream out(file, std::ios::binary);
  out << content;
  if (!out.flush()) throw std::runtime_error(file + ": cannot be written");
}

struct Trained {
  std::string payload;  // what fastText writes
  Matrix matrix;
};

Trained Train(const std::vector<Example>& examples, const std::string& base) {
  std::string text;
  for (const Example& example : examples) {
    for (const std::string& label : example.labels) text += "__label__" + label + " ";
    text += Spell(Normalize(example.text)) + "\n";
  }
  Write(base + ".text", text);
  fasttext::FastText network;
  fasttext::Args args;
  args.parseArgs(Arguments(base));
  network.train(args);
  network.saveModel(base + ".bin");
  Trained trained{.payload = ReadAll(base + ".bin")};
  std::filesystem::remove(base + ".text");
  std::filesystem::remove(base + ".bin");

  // The file ends with the input matrix, a flag, the output matrix's two sides, and its numbers.
  const auto input = network.getInputMatrix();
  const auto output = network.getOutputMatrix();
  trained.matrix.rows = input->size(0);
  trained.matrix.columns = input->size(1);
  const std::size_t after =
      sizeof(bool) + 2 * sizeof(std::int64_t) + output->size(0) * output->size(1) * sizeof(float);
  trained.matrix.offset = trained.payload.size() - after - trained.matrix.bytes();
  return trained;
}

std::shared_ptr<const Model> Loaded(const std::string& file) {
  auto model = Model::Load(file);
  if (!model.ok()) throw std::runtime_error(std::string(model.status().message()));
  return *std::move(model);
}

int Main(const std::string& examples, const std::string& development, const std::string& file) {
  const Trained trained = Train(ReadExamples(examples), file);
  Model::Calibrations calibrations = {{"en", {}}, {"en-others", {}}, {"ko", {}}, {"ko-others", {}}};
  Write(file, Model::Pack(trained.payload, trained.matrix, calibrations));
  const std::shared_ptr<const Model> uncalibrated = Loaded(file);
  std::map<std::string, std::vector<Example>> by_language;
  for (Example& example : ReadExamples(development)) {
    by_language[LanguageOf(example.text)].push_back(std::move(example));
  }
  for (const auto& [language, held] : by_language) {
    const std::vector<Judged> judged = Judge(*uncalibrated, held);
    calibrations[language] = FitCalibration(judged);
    calibrations[language + "-others"] = FitCalibration(Others(held, judged));
  }
  Write(file, Model::Pack(trained.payload, trained.matrix, calibrations));
  std::cout << file << ": " << std::filesystem::file_size(file) << " bytes\n";
  return 0;
}

int NormalizeLines() {
  for (std::string line; std::getline(std::cin, line);) std::cout << Normalize(line) << "\n";
  return 0;
}

}  // namespace
}  // namespace luna::emotion

int main(int argc, char** argv) try {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments == std::vector<std::string>{"--normalize"}) return luna::emotion::NormalizeLines();
  if (arguments.size() == 3) {
    return luna::emotion::Main(arguments[0], arguments[1], arguments[2]);
  }
  std::cerr << "emotion-train EXAMPLES DEVELOPMENT MODEL | --normalize\n";
  return 2;
} catch (const std::exception& error) {
  std::cerr << "emotion-train: " << error.what() << "\n";
  return 1;
}
