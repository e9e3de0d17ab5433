#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <yaml-cpp/yaml.h>

// Reads YAML maps key by key into plain variables. It knows nothing of luna's keys.
namespace luna::config {

// A key that was asked for.
struct KnownKey {
  std::string path;     // "stream.buffer.words"; a map's names are NAME, a list's items []
  std::string type;     // "integer", "number", "milliseconds", "bool", "text", "word" or "texts"
  std::string usual;    // its variable before it was read
  std::string allowed;  // numbers: "LEAST to MOST"; words: "A, B"; else empty
};

// What one file gave: where each key stood, and the first thing that is wrong with it.
class YamlFile {
 public:
  // `name` stands in front of every error. Where there is `known`, each key that is asked for is
  // put there, also of the maps that the file lacks.
  explicit YamlFile(std::string name, std::vector<KnownKey>* known = nullptr)
      : name_(std::move(name)), known_(known) {}

  void Know(KnownKey key) {
    if (known_ != nullptr) known_->push_back(std::move(key));
  }
  bool wants_all_keys() const { return known_ != nullptr; }

  // The file's one document; Null if it has none, or if it is not UTF-8 or not YAML (see status()).
  YAML::Node Parse(const std::string& text);

  // Remembers where a key stands, for FailAt.
  void Place(const std::string& path, int line) { lines_[path] = line; }

  // `NAME:LINE: PATH: WHAT`, with the line of the key `path`, or of the map that lacks it; without
  // a line if the file has neither. Only the first failure is kept.
  void FailAt(const std::string& path, const std::string& what);
  void Fail(int line, const std::string& what);

  bool ok() const { return status_.ok(); }
  const absl::Status& status() const { return status_; }

 private:
  const std::string name_;
  std::vector<KnownKey>* const known_;
  std::map<std::string, int> lines_;  // from 1
  absl::Status status_;
};

// What is wrong with a value, in words that end the error line; empty: nothing.
using Check = std::function<std::string(const std::string&)>;

// One map. Every reader below takes a key and a variable, which keeps its value where the map lacks
// the key, and says whether the key was there. A map or list without a value (`servers:`) counts as
// left out. A value that is not what the reader takes fails the file; the variable keeps its value.
class YamlMap {
 public:
  // Reads a file's root by `read`, then fails for what `read` did not ask for.
  static void ReadRoot(YamlFile& file, const YAML::Node& root,
                       const std::function<void(YamlMap&)>& read);

  YamlMap(const YamlMap&) = delete;
  YamlMap& operator=(const YamlMap&) = delete;

  // Numbers: from `least` to `most`, both included.
  bool Integer(const std::string& key, int least, int most, int& value);
  bool Number(const std::string& key, double least, double most, double& value);
  bool Duration(const std::string& key, int least_ms, int most_ms,
                std::chrono::milliseconds& value);
  bool Bool(const std::string& key, bool& value);
  // Any text that `check` has nothing against, without control characters.
  bool Text(const std::string& key, const Check& check, std::string& value);
  bool Word(const std::string& key, const std::vector<std::string>& allowed, std::string& value);
  // A list of texts, each of which `check` has nothing against. FailAt knows them as KEY[0]...
  bool Texts(const std::string& key, const Check& check, std::vector<std::string>& values);

  // A map below this one, a list of maps, and a map whose keys are names, in the file's order.
  bool Map(const std::string& key, const std::function<void(YamlMap&)>& read);
  bool Maps(const std::string& key, const std::function<void(YamlMap&)>& read);
  bool Named(const std::string& key,
             const std::function<void(const std::string& name, YamlMap&)>& read);

  // Fails at a key of this map, or at the map itself.
  void Fail(const std::string& key, const std::string& what);
  void Fail(const std::string& what);

 private:
  struct Entry {
    std::string key;
    int line;
    YAML::Node value;
    bool taken = false;
  };

  // A map `path` (empty: the root) whose key stands on `line`.
  YamlMap(YamlFile& file, std::string path, int line, const YAML::Node& node);

  std::string PathOf(const std::string& key) const;
  void Know(const std::string& key, const char* type, std::string usual, std::string allowed);
  void ReadNothing(const std::string& path, const std::function<void(YamlMap&)>& read);
  bool ReadInteger(const std::string& key, int least, int most, int& value);
  bool ReadText(const std::string& key, const Check& check, std::string& value);
  Entry* Take(const std::string& key);
  const YAML::Node* TakeScalar(const std::string& key, const std::string& expected);
  const YAML::Node* TakeList(const std::string& key);
  void FailForTheRest();

  YamlFile& file_;
  const std::string path_;
  const int line_;
  std::vector<Entry> entries_;
  std::vector<std::string> known_;  // the keys that were asked for
};

// `"VALUE"`, on one line and not too long.
std::string Quoted(const std::string& value);

// `, got "VALUE"`.
std::string Got(const std::string& value);

}  // namespace luna::config
