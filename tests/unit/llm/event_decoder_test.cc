#include "server/llm/event_decoder.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace luna::llm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

void Drain(EventDecoder& decoder, std::vector<std::string>& items) {
  while (const auto item = decoder.Next()) {
    const char* const names[] = {"", "error=", "stray=", "too long"};
    items.push_back(names[static_cast<int>(item->kind)] + std::string(item->text));
    if (item->kind == EventDecoder::Item::Kind::kTooLong) return;
  }
}

std::vector<std::string> Decode(const std::vector<std::string>& chunks) {
  EventDecoder decoder;
  std::vector<std::string> items;
  for (const std::string& chunk : chunks) {
    const std::string until_used_up = chunk;
    decoder.Push(until_used_up);
    Drain(decoder, items);
  }
  decoder.Close();
  Drain(decoder, items);
  return items;
}

std::vector<std::string> DecodeCutEverywhere(const std::string& body) {
  const std::vector<std::string> whole = Decode({body});
  for (std::size_t cut = 0; cut <= body.size(); ++cut) {
    EXPECT_EQ(Decode({body.substr(0, cut), body.substr(cut)}), whole) << "cut at " << cut;
  }
  std::vector<std::string> bytes;
  for (const char byte : body) bytes.emplace_back(1, byte);
  EXPECT_EQ(Decode(bytes), whole) << "byte by byte";
  return whole;
}

TEST(EventDecoder, LinesEndInLfCrLfOrCr) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    EXPECT_THAT(DecodeCutEverywhere("data: one" + end + end + "data: two" + end + end),
                ElementsAre("one", "two"));
  }
}

TEST(EventDecoder, OneSpaceAfterTheColonIsDropped) {
  EXPECT_THAT(DecodeCutEverywhere("data:one\n\ndata: two\n\ndata:  three\n\n"),
              ElementsAre("one", "two", " three"));
}

TEST(EventDecoder, DataLinesOfOneEventAreJoined) {
  EXPECT_THAT(DecodeCutEverywhere("data: one\ndata: two\r\ndata:\ndata: four\n\ndata: next\n\n"),
              ElementsAre("one\ntwo\n\nfour", "next"));
}

TEST(EventDecoder, CommentsAndOtherFieldsAreSkipped) {
  EXPECT_THAT(DecodeCutEverywhere(": ping\n\n:\nevent: message\nid: 7\nretry: 10\nretry\n"
                                  "foo-bar: x\ndata: one\n: ping\n\n"),
              ElementsAre("one"));
}

TEST(EventDecoder, AnEventNeedsNoEmptyLineAtTheEndOfTheBody) {
  EXPECT_THAT(DecodeCutEverywhere("data: one\n\ndata: two\n"), ElementsAre("one", "two"));
  EXPECT_THAT(DecodeCutEverywhere("data: one\n\ndata: two"), ElementsAre("one", "two"));
}

TEST(EventDecoder, EventsWithoutDataAreNone) {
  EXPECT_THAT(DecodeCutEverywhere("\n\ndata\n\ndata: \n\nevent: x\n\n"), IsEmpty());
}

TEST(EventDecoder, AByteOrderMarkAtTheStartIsSkipped) {
  EXPECT_THAT(DecodeCutEverywhere("\xEF\xBB\xBF"
                                  "data: one\n\n"),
              ElementsAre("one"));
}

TEST(EventDecoder, WhatIsNoFieldIsStrayAndEndsTheEventBeforeIt) {
  EXPECT_THAT(
      DecodeCutEverywhere("data: one\n{\n  \"error\": {\n}\n<p>a: b</p>\ndata: two\n\n"),
      ElementsAre("one", "stray={", "stray=  \"error\": {", "stray=}", "stray=<p>a: b</p>", "two"));
}

TEST(EventDecoder, AnErrorLineIsAnItemOfItsOwn) {
  EXPECT_THAT(DecodeCutEverywhere("data: one\nerror: {\"code\":500}\n\n"),
              ElementsAre("one", "error={\"code\":500}"));
}

TEST(EventDecoder, ALineMayBeOfTheLongestLengthAndNoLonger) {
  const std::string longest(EventDecoder::kLongest - 5, 'x');
  EXPECT_THAT(Decode({"data:" + longest + "\n\n"}), ElementsAre(longest));
  EXPECT_THAT(Decode({"data:", longest, "\n\n"}), ElementsAre(longest));
  EXPECT_THAT(Decode({"data:" + longest + "x\n\n"}), ElementsAre("too long", "too long"));
  EXPECT_THAT(Decode({"data:", longest, "x"}), ElementsAre("too long", "too long"));
}

TEST(EventDecoder, AnEventOfManyLinesIsBounded) {
  EventDecoder decoder;
  const std::string line = "data: " + std::string(1 << 20, 'x') + "\n";
  std::vector<std::string> items;
  for (int i = 0; i < 9 && items.empty(); ++i) {
    decoder.Push(line);
    Drain(decoder, items);
  }
  EXPECT_THAT(items, ElementsAre("too long"));
}

}  // namespace
}  // namespace luna::llm
