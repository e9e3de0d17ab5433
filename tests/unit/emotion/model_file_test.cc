#include <fasttext/fasttext.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/emotion/labels.h"
#include "server/emotion/model.h"

namespace luna::emotion {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const Model::Calibrations kCalibrations = {{"en", {.slope = 0.5, .offset = 0.25}},
                                           {"en-others", {.slope = 0.75, .offset = -1}},
                                           {"ko", {.slope = 0.75, .offset = -0.125}},
                                           {"ko-others", {.slope = 1, .offset = 1}}};

std::string ReadAll(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// What fastText writes of a model of one word.
std::string Tiny(const std::string& kind, const std::string& file) {
  std::ofstream text(file + ".text");
  for (const absl::string_view label : kLabels) text << "__label__" << label << " happy\n";
  text.close();
  fasttext::Args args;
  args.parseArgs({"fasttext",  kind, "-input",  file + ".text",
                  "-output",   file, "-bucket", "10",
                  "-dim",      "3",  "-minn",   "2",
                  "-maxn",     "2",  "-epoch",  "1",
                  "-minCount", "1",  "-thread", "1",
                  "-verbose",  "0"});
  fasttext::FastText network;
  network.train(args);
  network.saveModel(file + ".bin");
  return ReadAll(file + ".bin");
}

std::string NewFolder() {
  std::string folder = testing::TempDir() + "emotion-model-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error(folder + ": cannot be made");
  return folder;
}

class ModelFile : public testing::Test {
 protected:
  ~ModelFile() override { std::filesystem::remove_all(folder_); }

  // What Load says of a file with this content.
  std::string Refused(const std::string& content) const {
    std::ofstream(file_, std::ios::binary) << content;
    const auto model = Model::Load(file_);
    return model.ok() ? "" : std::string(model.status().message());
  }

  // Of a model that a tool has packed with a right checksum.
  std::string RefusedPacked(const std::string& payload, const Matrix& matrix) const {
    return Refused(Model::Pack(payload, matrix, kCalibrations));
  }

  const std::string folder_ = NewFolder();
  const std::string file_ = folder_ + "/model";
  const std::string payload_ = Tiny("supervised", folder_ + "/tiny");
  // The words are `happy` and the end of the line; then come a flag, two sides and 28 rows.
  const Matrix matrix_{
      .offset = payload_.size() - 28 * 12 - 17 - 12 * 12, .rows = 12, .columns = 3};
};

TEST_F(ModelFile, ThatIsMissingIsNamed) {
  const auto model = Model::Load("/nowhere/model.bin");
  EXPECT_EQ(model.status().message(), "/nowhere/model.bin: cannot be read");
}

TEST_F(ModelFile, ThatIsNoRegularFileOrTooLargeIsRefusedUnread) {
  const auto said = [](const std::string& file) { return Model::Load(file).status().ToString(); };
  EXPECT_THAT(said("/"), HasSubstr("/: not a regular file"));
  EXPECT_THAT(said("/dev/zero"), HasSubstr("not a regular file"));
  ASSERT_EQ(mkfifo((folder_ + "/fifo").c_str(), 0600), 0);
  EXPECT_THAT(said(folder_ + "/fifo"), HasSubstr("not a regular file"));
  std::ofstream(file_) << "x";
  std::filesystem::resize_file(file_, std::uintmax_t{1} << 40);
  EXPECT_THAT(said(file_), HasSubstr("not an emotion model"));
  std::ofstream(file_) << "luna-emotion 3\n";
  std::filesystem::resize_file(file_, std::uintmax_t{1} << 40);
  EXPECT_THAT(said(file_), HasSubstr("larger than"));
}

TEST_F(ModelFile, ThatIsNoneIsNamed) {
  EXPECT_THAT(Refused(""), AllOf(HasSubstr(file_), HasSubstr("not an emotion model")));
  EXPECT_THAT(Refused("llm:\n  mode: api\n"), HasSubstr("not an emotion model"));
  EXPECT_THAT(Refused("luna-emotion 2\n"), HasSubstr("not an emotion model of this version"));
  EXPECT_THAT(Refused("luna-emotion 3\n"), HasSubstr("header"));
  EXPECT_THAT(Refused("luna-emotion 3\ncalibration ko -1 0\n"), HasSubstr("header"));
  EXPECT_THAT(Refused(Model::Pack("not fastText's", {}, kCalibrations)), HasSubstr("sizes"));
}

TEST_F(ModelFile, OfWhichAnyByteIsChangedIsRefused) {
  const std::string content = Model::Pack(payload_, matrix_, kCalibrations);
  ASSERT_EQ(Refused(content), "");
  for (std::size_t i = 0; i < content.size(); ++i) {
    for (const char bits : {1, 0x55}) {
      std::string changed = content;
      changed[i] ^= bits;
      ASSERT_THAT(Refused(changed), HasSubstr(file_ + ": ")) << i << " " << int{bits};
    }
  }
}

TEST_F(ModelFile, ThatIsCutOrLongerIsRefused) {
  for (const std::string& content :
       {Model::Pack(payload_, matrix_, kCalibrations), ReadAll(LUNA_MODEL)}) {
    ASSERT_EQ(Refused(content), "");
    for (std::size_t i = 0; i < 50; ++i) {
      EXPECT_NE(Refused(content.substr(0, content.size() * i / 50)), "") << i;
    }
    EXPECT_THAT(Refused(content.substr(0, content.size() - 1)), HasSubstr("cut short"));
    EXPECT_THAT(Refused(content + "x"), HasSubstr("cut short, or longer"));
  }
}

TEST_F(ModelFile, NeedsAllCalibrations) {
  const auto refused = [&](const Model::Calibrations& calibrations) {
    return Refused(Model::Pack(payload_, matrix_, calibrations));
  };
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(refused(kCalibrations), "");
  EXPECT_THAT(refused({}), HasSubstr("header"));
  for (const auto& [name, calibration] : kCalibrations) {
    Model::Calibrations changed = kCalibrations;
    changed.erase(name);
    EXPECT_THAT(refused(changed), HasSubstr("header")) << name;
    changed["fr"] = {};
    EXPECT_THAT(refused(changed), HasSubstr("header")) << name;
    changed.erase("fr");
    for (const double bad : {kInfinite, -kInfinite, kNan}) {
      changed[name] = {.slope = bad};
      EXPECT_THAT(refused(changed), HasSubstr("header")) << name;
      changed[name] = {.offset = bad};
      EXPECT_THAT(refused(changed), HasSubstr("header")) << name;
    }
  }
}

TEST_F(ModelFile, NoLabelIsSurerThanABetterOne) {
  std::ofstream(file_, std::ios::binary) << Model::Pack(payload_, matrix_, kCalibrations);
  const auto scores = Model::Load(file_).value()->Scores("happy 행복");
  ASSERT_EQ(scores.size(), kLabels.size());
  EXPECT_GT(scores[0].confidence(), 0);
  for (std::size_t i = 1; i < scores.size(); ++i) {
    EXPECT_LE(scores[i].confidence(), scores[i - 1].confidence());
  }
}

TEST_F(ModelFile, WhoseSizesDoNotAgreeIsRefused) {
  const auto with = [&](std::size_t at, std::int64_t side) {
    std::string payload = payload_;
    std::memcpy(payload.data() + at, &side, sizeof(side));
    return RefusedPacked(payload, matrix_);
  };
  const std::size_t end = matrix_.offset + matrix_.bytes();
  for (const std::int64_t side : {0L, -1L, 2L, 11L, 13L, 1L << 31, 1L << 62}) {
    EXPECT_THAT(with(matrix_.offset - 16, side), HasSubstr("sizes"));  // the input's rows
    EXPECT_THAT(with(matrix_.offset - 8, side), HasSubstr("sizes"));   // and columns
    EXPECT_THAT(with(end + 1, side), HasSubstr("sizes"));              // the output's
    EXPECT_THAT(with(end + 9, side), HasSubstr("sizes"));
  }
  for (const Matrix& matrix :
       {Matrix{matrix_.offset, 11, 3}, Matrix{matrix_.offset, 12, 2}, Matrix{matrix_.offset, 0, 3},
        Matrix{matrix_.offset, 9, 4}, Matrix{matrix_.offset - 4, 12, 3}, Matrix{0, 0, 0}}) {
    EXPECT_THAT(RefusedPacked(payload_, matrix), HasSubstr("sizes"));
  }
}

TEST_F(ModelFile, WhoseSettingsAreOfAnotherModelIsRefused) {
  // After the magic number and the version: dim, ws, epoch, minCount, neg, wordNgrams, loss, model,
  // bucket.
  for (const int setting : {0, 7, 8}) {
    for (const std::int32_t value : {0, -1, 2, 1 << 30}) {
      std::string payload = payload_;
      std::memcpy(payload.data() + 8 + 4 * setting, &value, sizeof(value));
      EXPECT_THAT(RefusedPacked(payload, matrix_), HasSubstr("not a model that this")) << setting;
    }
  }
}

TEST_F(ModelFile, ThatGivesNoNumbersIsRefused) {
  std::string payload = payload_;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(payload.data() + payload.size() - sizeof(nan), &nan, sizeof(nan));
  EXPECT_THAT(RefusedPacked(payload, matrix_), HasSubstr(file_ + ": "));
}

}  // namespace
}  // namespace luna::emotion
