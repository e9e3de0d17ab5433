#include <fuzzer/FuzzedDataProvider.h>

#include <string>
#include <string_view>
#include <vector>

#include <absl/strings/str_cat.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "server/base/utf8.h"
#include "server/http/json.h"
#include "server/llm/event_decoder.h"
#include "tests/fuzz/check.h"

// What a client reads out of the frames is what went into them, event by event and to the byte.
namespace luna::fuzz {
namespace {

using google::protobuf::util::MessageDifferencer;

std::string TakeText(FuzzedDataProvider& input) {
  std::string text = input.ConsumeRandomLengthString();
  utf8::Repair(text);  // as everything is before it becomes an event
  return text;
}

v1::InteractResponse TakeEvent(FuzzedDataProvider& input) {
  v1::InteractResponse event;
  event.set_sequence(input.ConsumeIntegral<int>());
  event.mutable_created_at()->set_seconds(input.ConsumeIntegralInRange(0, 1 << 30));
  event.mutable_created_at()->set_nanos(input.ConsumeIntegralInRange(0, 999'999'999));
  switch (input.ConsumeIntegralInRange(0, 4)) {
    case 0: {
      v1::Emotion& emotion = *event.mutable_emotion();
      emotion.set_emotion(TakeText(input));
      emotion.set_confidence(input.ConsumeProbability<double>());
      for (int best = input.ConsumeIntegralInRange(0, 2); best > 0; --best) {
        v1::EmotionScore& score = *emotion.add_top();
        score.set_emotion(TakeText(input));
        score.set_confidence(input.ConsumeProbability<double>());
      }
      break;
    }
    case 1:
      event.mutable_translation()->set_text(TakeText(input));
      event.mutable_translation()->set_source_language(TakeText(input));
      event.mutable_translation()->set_target_language("en");
      break;
    case 2:
      event.mutable_llm_chunk()->set_text(TakeText(input));
      break;
    case 3: {
      v1::Complete& complete = *event.mutable_complete();
      complete.set_text(TakeText(input));
      complete.set_finish_reason("STOP");
      complete.set_model(TakeText(input));
      complete.set_target(TakeText(input));
      complete.set_cached(input.ConsumeBool());
      if (input.ConsumeBool()) {
        complete.mutable_usage()->set_total_tokens(input.ConsumeIntegral<int>());
        complete.mutable_timings()->set_total_ms(input.ConsumeIntegral<int>());
      }
      break;
    }
    default: {
      v1::Error& error = *event.mutable_error();
      error.set_code("UPSTREAM_TIMEOUT");
      error.set_message(TakeText(input));
      error.set_retry_after_ms(input.ConsumeIntegral<int>());
      error.set_stage("stream");
      error.set_text_so_far(TakeText(input));
      break;
    }
  }
  return event;
}

// What is left of `event` without features.details.
v1::InteractResponse WithoutDetails(v1::InteractResponse event) {
  v1::InteractResponse bare;
  if (event.has_emotion()) {
    bare.mutable_emotion()->set_emotion(event.emotion().emotion());
    bare.mutable_emotion()->set_confidence(event.emotion().confidence());
  } else if (event.has_translation()) {
    bare.mutable_translation()->set_text(event.translation().text());
  } else if (event.has_llm_chunk()) {
    *bare.mutable_llm_chunk() = event.llm_chunk();
  } else if (event.has_complete()) {
    bare.mutable_complete()->set_text(event.complete().text());
  } else {
    bare.mutable_error()->set_message(event.error().message());
  }
  return bare;
}

// The event that a frame's JSON tells of: `type` and `data` put back where they came from.
v1::InteractResponse EventOf(std::string_view frame) {
  rapidjson::Document json;
  json.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseFullPrecisionFlag>(
      frame.data(), frame.size());
  Check(!json.HasParseError() && json.IsObject(), "a frame is a JSON object", frame);
  Check(json.MemberCount() >= 2 && json.MemberBegin()->name == "type" && json["type"].IsString() &&
            json.HasMember("data"),
        "type is first, and there is data", frame);
  auto& allocator = json.GetAllocator();
  const std::string type = json["type"].GetString();
  rapidjson::Value event(rapidjson::kObjectType);
  rapidjson::Value inner(rapidjson::kObjectType);
  if (json["data"].IsObject()) {
    Check(type == "emotion" && json["data"].MemberCount() == 2, "only an emotion's data is more");
    inner.CopyFrom(json["data"], allocator);
  } else {
    inner.AddMember(rapidjson::StringRef(type == "error" ? "message" : "text"), json["data"],
                    allocator);
  }
  for (auto& member : json.GetObject()) {
    if (member.name == "type" || member.name == "data") continue;
    const bool outer = member.name == "sequence" || member.name == "created_at";
    (outer ? event : inner).AddMember(member.name, member.value, allocator);
  }
  event.AddMember(rapidjson::StringRef(type.c_str()), inner, allocator);
  rapidjson::StringBuffer text;
  rapidjson::Writer<rapidjson::StringBuffer> writer(text);
  event.Accept(writer);
  v1::InteractResponse read;
  const auto status = google::protobuf::util::JsonStringToMessage(text.GetString(), &read);
  Check(status.ok(), "a frame's fields are the event's", text.GetString());
  return read;
}

// One line and an empty one, whatever a client takes for the end of a line: Python's splitlines
// splits at all of these.
void CheckLines(std::string_view frame) {
  Check(frame.substr(0, 6) == "data: " && frame.substr(frame.size() - 2) == "\n\n",
        "a frame is a data line and an empty one", frame);
  const std::string_view line = frame.substr(0, frame.size() - 2);
  for (const unsigned char c : line) Check(c >= 0x20, "no control character stands raw", line);
  for (const std::string_view end : {"\u0085", "\u2028", "\u2029"}) {
    Check(line.find(end) == line.npos, "no line break stands raw", line);
  }
  Check(utf8::IsValid(line), "a frame is UTF-8", line);
}

std::vector<v1::InteractResponse> Read(const std::string& stream, std::uint8_t seed) {
  std::vector<v1::InteractResponse> events;
  llm::EventDecoder decoder;
  const auto drain = [&] {
    while (const auto item = decoder.Next()) {
      Check(item->kind == llm::EventDecoder::Item::Kind::kData, "a frame is an event");
      events.push_back(EventOf(item->text));
    }
  };
  for (const std::vector<char>& piece : Pieces(stream, seed)) {
    decoder.Push(View(piece));
    drain();
  }
  return events;
}

void CheckErrorBody(const v1::Error& error) {
  rapidjson::Document body;
  body.Parse<rapidjson::kParseValidateEncodingFlag>(http::ErrorBody(error).c_str());
  Check(!body.HasParseError() && body.IsObject() && body["message"].IsString() &&
            std::string_view(body["message"].GetString(), body["message"].GetStringLength()) ==
                error.message(),
        "an error's body says its message", http::ErrorBody(error));
}

void Run(FuzzedDataProvider& input) {
  const std::uint8_t seed = input.ConsumeIntegral<std::uint8_t>();
  std::string stream;
  std::vector<v1::InteractResponse> sent;
  for (int events = input.ConsumeIntegralInRange(1, 4); events > 0; --events) {
    const v1::InteractResponse event = TakeEvent(input);
    const bool details = input.ConsumeBool();
    std::string frame;
    http::AppendSseFrame(event, details, frame);
    CheckLines(frame);
    stream += frame;
    sent.push_back(details ? event : WithoutDetails(event));
    if (event.has_error()) CheckErrorBody(event.error());
  }
  const std::vector<v1::InteractResponse> read = Read(stream, seed);
  Check(read.size() == sent.size(), "a frame is one event", stream);
  for (std::size_t i = 0; i < read.size(); ++i) {
    Check(MessageDifferencer::Equals(read[i], sent[i]), "what is read is what was sent",
          absl::StrCat(stream, sent[i].DebugString()));
  }
}

}  // namespace
}  // namespace luna::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  luna::fuzz::Run(input);
  return 0;
}
