// What a memory of many turns costs beside an empty one: reading a context, searching, writing a
// turn; in one run, on the database code that the server uses.

#include <SQLiteCpp/Transaction.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "server/memory/deletion.h"
#include "server/memory/search.h"
#include "server/memory/turns.h"
#include "server/storage/purge.h"

namespace {

using luna::storage::Connection;
namespace memory = luna::memory;
using Clock = std::chrono::steady_clock;

constexpr int kUsers = 5000;
constexpr int kSessions = 20;
constexpr int kWords = 20000;
constexpr int kInTransaction = 2000;
constexpr char kHeavy[] = "heavy";  // has half of all turns

// Words as Korean has them: a stem of two or three syllables and a particle, few of them often.
class Talk {
 public:
  Talk() {
    for (int i = 0; i < kWords; ++i) {
      std::string word;
      const int syllables = 2 + i % 2;
      for (int j = 0; j < syllables; ++j) AppendSyllable(word);
      words_.push_back(std::move(word));
    }
  }

  std::string Sentence(int words) {
    static const char* const kParticles[] = {"이", "가", "은", "는", "을",
                                             "를", "에", "도", "",   ""};
    std::string text;
    for (int i = 0; i < words; ++i) {
      if (i > 0) text += ' ';
      // Zipf, roughly: the rank is exponential in a uniform number.
      const double rank = std::exp(std::uniform_real_distribution(0.0, std::log(kWords))(random_));
      text += words_[static_cast<std::size_t>(rank) - 1];
      text += kParticles[random_() % std::size(kParticles)];
    }
    return text;
  }

  const std::string& Word(int rank) const { return words_[static_cast<std::size_t>(rank)]; }
  std::string User() {
    return random_() % 2 == 0 ? kHeavy : "user-" + std::to_string(random_() % kUsers);
  }
  std::string Session() { return "s" + std::to_string(random_() % kSessions); }

 private:
  void AppendSyllable(std::string& word) {
    const char32_t c = U'가' + random_() % 11172;
    word += static_cast<char>(0xe0 | (c >> 12));
    word += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    word += static_cast<char>(0x80 | (c & 0x3f));
  }

  std::mt19937_64 random_{7};
  std::vector<std::string> words_;
};

luna::v1::Conversation Turn(Talk& talk, const std::string& user) {
  luna::v1::Conversation turn;
  turn.set_user_id(user);
  turn.set_session_id(talk.Session());
  turn.mutable_timestamp()->set_seconds(1);
  turn.set_user_message(talk.Sentence(8));
  turn.set_assistant_message(talk.Sentence(40));
  turn.set_emotion("joy");
  turn.set_model("model");
  turn.set_mode("api");
  turn.set_finish_reason("STOP");
  return turn;
}

void Fill(Connection& connection, Talk& talk, int turns) {
  for (int done = 0; done < turns;) {
    SQLite::Transaction transaction(connection.database());
    for (int i = 0; i < kInTransaction && done < turns; ++i, ++done) {
      memory::Insert(connection, Turn(talk, talk.User()), {});
    }
    transaction.commit();
    if (done % 100000 == 0) std::cerr << "filling: " << done << " of " << turns << std::endl;
  }
}

struct Figures {
  double p50;
  double p99;
};

// In microseconds.
Figures Measure(int times, const std::function<void()>& work) {
  std::vector<double> took;
  for (int i = 0; i < times; ++i) {
    const auto start = Clock::now();
    work();
    took.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  std::sort(took.begin(), took.end());
  return {took[took.size() / 2], took[took.size() * 99 / 100]};
}

struct Row {
  const char* name;
  std::function<void(Connection&, Talk&)> work;
  int times;
};

void SearchFor(Connection& connection, const std::string& user, const std::string& word) {
  luna::v1::SearchConversationsRequest request;
  request.set_user_id(user);
  request.set_keyword(word);
  request.set_limit(10);
  memory::Search(connection, request);
}

std::vector<Row> Rows() {
  return {
      {"read a context",
       [](Connection& c, Talk& t) { memory::ReadContext(c, t.User(), t.Session(), {}); }, 5000},
      {"write a turn, and commit",
       [](Connection& c, Talk& t) {
         SQLite::Transaction transaction(c.database());
         memory::Insert(c, Turn(t, t.User()), {});
         transaction.commit();
       },
       1000},
      {"search, rare word, one of 5,000 users",
       [](Connection& c, Talk& t) { SearchFor(c, "user-7", t.Word(15000)); }, 200},
      {"search, common word, one of 5,000 users",
       [](Connection& c, Talk& t) { SearchFor(c, "user-7", t.Word(0)); }, 200},
      {"search, rare word, user with half of all",
       [](Connection& c, Talk& t) { SearchFor(c, kHeavy, t.Word(15000)); }, 200},
      {"search, common word, user with half of all",
       [](Connection& c, Talk& t) { SearchFor(c, kHeavy, t.Word(0)); }, 20},
      {"search, one syllable, user with half of all",
       [](Connection& c, Talk& t) { SearchFor(c, kHeavy, t.Word(9000).substr(0, 3)); }, 20},
      {"delete a turn, and purge",
       [](Connection& c, Talk& t) {
         SQLite::Transaction transaction(c.database());
         memory::Delete(c, kHeavy, memory::Insert(c, Turn(t, kHeavy), {}));
         transaction.commit();
         while (luna::storage::Purge(c)) {
         }
       },
       3},
  };
}

std::vector<Figures> MeasureAll(const std::string& file, int turns) {
  const absl::Status ready = luna::storage::Prepare(file, false);
  if (!ready.ok()) throw std::runtime_error(std::string(ready.message()));
  Connection connection(file);
  Talk talk;
  Fill(connection, talk, turns);
  std::vector<Figures> figures;
  for (const Row& row : Rows()) {
    figures.push_back(Measure(row.times, [&] { row.work(connection, talk); }));
  }
  return figures;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"a memory of many turns beside an empty one", "million"};
  int turns = 1000000;
  std::string folder = "build/bench/million";
  app.add_option("--turns", turns);
  app.add_option("--folder", folder, "for the databases, which are made anew");
  CLI11_PARSE(app, argc, argv);
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::vector<Figures> empty = MeasureAll(folder + "/empty.db", 0);
  const std::string file = folder + "/full.db";
  const std::vector<Figures> full = MeasureAll(file, turns);
  std::cout << "| microseconds, p50 / p99 | empty | " << turns << " turns | ratio of p50 |\n"
            << "| --- | --- | --- | --- |\n";
  std::cout.precision(1);
  std::cout << std::fixed;
  for (std::size_t i = 0; i < full.size(); ++i) {
    std::cout << "| " << Rows()[i].name << " | " << empty[i].p50 << " / " << empty[i].p99 << " | "
              << full[i].p50 << " / " << full[i].p99 << " | " << full[i].p50 / empty[i].p50
              << " |\n";
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::cout << "\nfile: " << std::filesystem::file_size(file) / 1e6 << " MB, "
            << static_cast<double>(std::filesystem::file_size(file)) / turns
            << " bytes a turn; resident at most: " << usage.ru_maxrss / 1e3 << " MB\n";
}
