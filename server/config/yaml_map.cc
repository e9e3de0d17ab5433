#include "server/config/yaml_map.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "server/base/utf8.h"

namespace luna::config {
namespace {

constexpr std::size_t kMostShown = 80;  // bytes of a value in an error

int LineOf(const YAML::Mark& mark) { return mark.is_null() ? 1 : mark.line + 1; }

std::string GotNode(const YAML::Node& node) {
  if (node.IsMap()) return ", got a map";
  if (node.IsSequence()) return ", got a list";
  if (node.IsNull()) return ", got nothing";
  return Got(node.Scalar());
}

// How many insertions, deletions and replacements make `b` of `a`.
std::size_t Distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
    }
  }
  return d[a.size()][b.size()];
}

// The closest of the known keys, if it is close enough to be what was meant.
std::optional<std::string> Meant(const std::string& key, const std::vector<std::string>& known) {
  if (key.size() > kMostShown) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(2, key.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = Distance(absl::AsciiStrToLower(key), candidate);
    if (distance < std::min(best_distance, candidate.size())) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::optional<bool> AsBool(const std::string& text) {
  const std::string word = absl::AsciiStrToLower(text);
  if (word == "true" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "no" || word == "off") return false;
  return std::nullopt;
}

std::string WrongText(const YAML::Node& node, const Check& check) {
  if (!node.IsScalar()) return "expected a text" + GotNode(node);
  const std::string& text = node.Scalar();
  const bool control =
      std::any_of(text.begin(), text.end(), [](unsigned char c) { return absl::ascii_iscntrl(c); });
  return control ? "expected one line of text" + Got(text) : check(text);
}

}  // namespace

std::string Got(const std::string& value) { return ", got " + Quoted(value); }

std::string Quoted(const std::string& value) {
  std::string shown = value;
  utf8::Repair(shown);
  if (shown.size() > kMostShown) {
    utf8::Truncate(shown, kMostShown);
    shown += "...";
  }
  return absl::StrCat("\"", absl::Utf8SafeCHexEscape(shown), "\"");
}

YAML::Node YamlFile::Parse(const std::string& text) {
  if (!utf8::IsValid(text)) {
    const auto well_formed = [&](std::size_t end) { return utf8::IsValid(text.substr(0, end)); };
    int line = 1;
    for (std::size_t end = text.find('\n'); end != std::string::npos && well_formed(end);
         end = text.find('\n', end + 1)) {
      ++line;
    }
    Fail(line, "not UTF-8: save the file as UTF-8");
    return YAML::Node();
  }
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1) Fail(LineOf(documents[1].Mark()), "a second document; one is read");
    return documents.empty() ? YAML::Node() : documents[0];
  } catch (const YAML::Exception& error) {
    Fail(LineOf(error.mark), "not YAML: " + error.msg);
    return YAML::Node();
  }
}

void YamlFile::Fail(int line, const std::string& what) {
  if (ok()) status_ = absl::InvalidArgumentError(absl::StrCat(name_, ":", line, ": ", what));
}

void YamlFile::FailAt(const std::string& path, const std::string& what) {
  std::string above = path;
  while (!above.empty() && !lines_.contains(above)) {
    above.resize(std::min(above.size(), above.rfind('.') + 1));
    if (!above.empty()) above.pop_back();
  }
  const auto place = lines_.find(above);
  const bool placed = place != lines_.end() && (!above.empty() || path.empty());
  const std::string line = placed ? absl::StrCat(":", place->second) : "";
  const std::string key = path.empty() ? "" : absl::Utf8SafeCHexEscape(path) + ": ";
  if (ok()) status_ = absl::InvalidArgumentError(absl::StrCat(name_, line, ": ", key, what));
}

void YamlMap::ReadRoot(YamlFile& file, const YAML::Node& root,
                       const std::function<void(YamlMap&)>& read) {
  YamlMap map(file, "", 1, root);
  read(map);
  map.FailForTheRest();
}

YamlMap::YamlMap(YamlFile& file, std::string path, int line, const YAML::Node& node)
    : file_(file), path_(std::move(path)), line_(line) {
  file_.Place(path_, line_);
  if (node.IsNull()) return;
  if (!node.IsMap()) {
    file_.FailAt(path_, "expected a map of keys" + GotNode(node));
    return;
  }
  for (const auto& pair : node) {
    const int at = LineOf(pair.first.Mark());
    if (!pair.first.IsScalar()) {
      file_.Fail(at, "expected a key" + GotNode(pair.first));
      return;
    }
    const std::string key = pair.first.Scalar();
    for (const Entry& entry : entries_) {
      if (entry.key != key) continue;
      file_.Place(PathOf(key), at);
      Fail(key, absl::StrCat("given twice, first on line ", entry.line));
      return;
    }
    entries_.push_back({key, at, pair.second});
  }
}

std::string YamlMap::PathOf(const std::string& key) const {
  return path_.empty() ? key : path_ + "." + key;
}

YamlMap::Entry* YamlMap::Take(const std::string& key) {
  known_.push_back(key);
  for (Entry& entry : entries_) {
    if (entry.key != key) continue;
    entry.taken = true;
    file_.Place(PathOf(key), entry.value.IsNull() ? entry.line : LineOf(entry.value.Mark()));
    return &entry;
  }
  return nullptr;
}

const YAML::Node* YamlMap::TakeScalar(const std::string& key, const std::string& expected) {
  const Entry* entry = Take(key);
  if (entry == nullptr || entry->value.IsScalar()) return entry ? &entry->value : nullptr;
  Fail(key, expected + GotNode(entry->value));
  return nullptr;
}

const YAML::Node* YamlMap::TakeList(const std::string& key) {
  const Entry* entry = Take(key);
  if (entry == nullptr || entry->value.IsNull()) return nullptr;
  if (entry->value.IsSequence()) return &entry->value;
  Fail(key, "expected a list" + GotNode(entry->value));
  return nullptr;
}

void YamlMap::Know(const std::string& key, const char* type, std::string usual,
                   std::string allowed) {
  file_.Know({PathOf(key), type, std::move(usual), std::move(allowed)});
}

bool YamlMap::Integer(const std::string& key, int least, int most, int& value) {
  Know(key, "integer", absl::StrCat(value), absl::StrCat(least, " to ", most));
  return ReadInteger(key, least, most, value);
}

bool YamlMap::ReadInteger(const std::string& key, int least, int most, int& value) {
  const std::string expected = absl::StrCat("expected a whole number from ", least, " to ", most);
  const YAML::Node* node = TakeScalar(key, expected);
  if (node == nullptr) return false;
  int read = 0;
  if (!absl::SimpleAtoi(node->Scalar(), &read) || read < least || read > most) {
    Fail(key, expected + GotNode(*node));
    return false;
  }
  value = read;
  return true;
}

bool YamlMap::Number(const std::string& key, double least, double most, double& value) {
  Know(key, "number", absl::StrCat(value), absl::StrCat(least, " to ", most));
  const std::string expected = absl::StrCat("expected a number from ", least, " to ", most);
  const YAML::Node* node = TakeScalar(key, expected);
  if (node == nullptr) return false;
  double read = 0;
  // Written so that NaN fails too.
  if (!absl::SimpleAtod(node->Scalar(), &read) || !(read >= least && read <= most)) {
    Fail(key, expected + GotNode(*node));
    return false;
  }
  value = read;
  return true;
}

bool YamlMap::Duration(const std::string& key, int least_ms, int most_ms,
                       std::chrono::milliseconds& value) {
  Know(key, "milliseconds", absl::StrCat(value.count()), absl::StrCat(least_ms, " to ", most_ms));
  int read = 0;
  if (!ReadInteger(key, least_ms, most_ms, read)) return false;
  value = std::chrono::milliseconds(read);
  return true;
}

bool YamlMap::Bool(const std::string& key, bool& value) {
  Know(key, "bool", value ? "true" : "false", "");
  const std::string expected = "expected true or false";
  const YAML::Node* node = TakeScalar(key, expected);
  if (node == nullptr) return false;
  const std::optional<bool> read = AsBool(node->Scalar());
  if (!read) {
    Fail(key, expected + GotNode(*node));
    return false;
  }
  value = *read;
  return true;
}

bool YamlMap::Text(const std::string& key, const Check& check, std::string& value) {
  Know(key, "text", value, "");
  return ReadText(key, check, value);
}

bool YamlMap::ReadText(const std::string& key, const Check& check, std::string& value) {
  const Entry* entry = Take(key);
  if (entry == nullptr) return false;
  const std::string wrong = WrongText(entry->value, check);
  if (!wrong.empty()) {
    Fail(key, wrong);
    return false;
  }
  value = entry->value.Scalar();
  return true;
}

bool YamlMap::Word(const std::string& key, const std::vector<std::string>& allowed,
                   std::string& value) {
  const auto check = [&](const std::string& text) {
    if (std::find(allowed.begin(), allowed.end(), text) != allowed.end()) return std::string();
    return "expected one of " + absl::StrJoin(allowed, ", ") + Got(text);
  };
  Know(key, "word", value, absl::StrJoin(allowed, ", "));
  return ReadText(key, check, value);
}

bool YamlMap::Texts(const std::string& key, const Check& check, std::vector<std::string>& values) {
  Know(key, "texts", absl::StrCat("[", absl::StrJoin(values, ", "), "]"), "");
  const YAML::Node* list = TakeList(key);
  if (list == nullptr) return false;
  std::vector<std::string> read;
  for (const auto& item : *list) {
    const std::string item_key = absl::StrCat(key, "[", read.size(), "]");
    file_.Place(PathOf(item_key), LineOf(item.Mark()));
    const std::string wrong = WrongText(item, check);
    if (!wrong.empty()) {
      Fail(item_key, wrong);
      return false;
    }
    read.push_back(item.Scalar());
  }
  values = std::move(read);
  return true;
}

// Lets `read` ask a map that is not there, where somebody wants to know for what.
void YamlMap::ReadNothing(const std::string& path, const std::function<void(YamlMap&)>& read) {
  if (!file_.wants_all_keys()) return;
  YamlMap nothing(file_, path, line_, YAML::Node());
  read(nothing);
}

bool YamlMap::Map(const std::string& key, const std::function<void(YamlMap&)>& read) {
  const Entry* entry = Take(key);
  if (entry == nullptr) {
    ReadNothing(PathOf(key), read);
    return false;
  }
  YamlMap map(file_, PathOf(key), entry->line, entry->value);
  read(map);
  map.FailForTheRest();
  return !entry->value.IsNull();
}

bool YamlMap::Maps(const std::string& key, const std::function<void(YamlMap&)>& read) {
  ReadNothing(PathOf(key) + "[]", read);
  const YAML::Node* list = TakeList(key);
  if (list == nullptr) return false;
  int index = 0;
  for (const auto& item : *list) {
    YamlMap map(file_, absl::StrCat(PathOf(key), "[", index++, "]"), LineOf(item.Mark()), item);
    read(map);
    map.FailForTheRest();
  }
  return true;
}

bool YamlMap::Named(const std::string& key,
                    const std::function<void(const std::string& name, YamlMap&)>& read) {
  return Map(key, [&](YamlMap& names) {
    names.ReadNothing(names.PathOf("NAME"), [&](YamlMap& map) { read("NAME", map); });
    for (Entry& entry : names.entries_) {
      entry.taken = true;
      YamlMap map(file_, names.PathOf(entry.key), entry.line, entry.value);
      read(entry.key, map);
      map.FailForTheRest();
    }
  });
}

void YamlMap::Fail(const std::string& key, const std::string& what) {
  file_.FailAt(PathOf(key), what);
}

void YamlMap::Fail(const std::string& what) { file_.FailAt(path_, what); }

void YamlMap::FailForTheRest() {
  for (const Entry& entry : entries_) {
    if (entry.taken) continue;
    const std::optional<std::string> meant = Meant(entry.key, known_);
    file_.Place(PathOf(entry.key), entry.line);
    Fail(entry.key, meant ? "unknown key: did you mean \"" + *meant + "\"?"
                          : "unknown key: known here are " + absl::StrJoin(known_, ", "));
  }
}

}  // namespace luna::config
