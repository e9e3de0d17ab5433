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

const std::vector<std::string> kTraining = {
    "-bucket", "200000", "-dim", "50",  "-minn", "1",       "-maxn", "4",        "-wordNgrams",
    "2",       "-epoch", "6",    "-lr", "0.3",   "-thread", "1",     "-verbose", "1",
};
const std::vector<std::string> kQuantising = {
    "-cutoff", "100000", "-qnorm", "-thread", "1", "-verbose", "1",
};

fasttext::Args Arguments(const std::string& command, const std::string& base,
                         const std::vector<std::string>& more) {
  std::vector<std::string> words = {"fasttext", command, "-input", base + ".text", "-output", base};
  words.insert(words.end(), more.begin(), more.end());
  fasttext::Args args;
  args.parseArgs(words);
  return args;
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

// What fastText writes of a network that was trained on the examples.
std::string Train(const std::vector<Example>& examples, const std::string& base) {
  std::string text;
  for (const Example& example : examples) {
    for (const std::string& label : example.labels) text += "__label__" + label + " ";
    text += Normalize(example.text) + "\n";
  }
  Write(base + ".text", text);
  fasttext::FastText network;
  network.train(Arguments("supervised", base, kTraining));
  network.quantize(Arguments("quantize", base, kQuantising));
  network.saveModel(base + ".ftz");
  std::string payload = ReadAll(base + ".ftz");
  std::filesystem::remove(base + ".text");
  std::filesystem::remove(base + ".ftz");
  return payload;
}

std::shared_ptr<const Model> Loaded(const std::string& file) {
  auto model = Model::Load(file);
  if (!model.ok()) throw std::runtime_error(std::string(model.status().message()));
  return *std::move(model);
}

int Main(const std::string& examples, const std::string& development, const std::string& file) {
  const std::string payload = Train(ReadExamples(examples), file);
  Write(file, Model::Pack(payload, {}));
  const std::shared_ptr<const Model> untempered = Loaded(file);
  std::map<std::string, std::vector<Example>> by_language;
  for (Example& example : ReadExamples(development)) {
    by_language[LanguageOf(example.text)].push_back(std::move(example));
  }
  Model::Temperatures temperatures;
  for (const auto& [language, held] : by_language) {
    temperatures[language] = FitTemperature(Judge(*untempered, held));
    std::cout << "temperature " << language << ": " << temperatures[language] << "\n";
  }
  Write(file, Model::Pack(payload, temperatures));
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
