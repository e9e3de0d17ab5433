#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "server/translation/rest.h"

namespace luna::translation {
namespace {

net::HttpRequest Request(const config::LibreTranslate& config, const Passage& passage) {
  net::HttpRequest request;
  request.url = config.url + "/translate";
  request.headers = {"Content-Type: application/json"};
  rapidjson::StringBuffer body;
  rapidjson::Writer<rapidjson::StringBuffer> writer(body);
  writer.StartObject();
  writer.Key("q");
  writer.String(passage.text);
  writer.Key("source");
  writer.String(passage.from.empty() ? "auto" : passage.from);
  writer.Key("target");
  writer.String(passage.to);
  writer.Key("format");
  writer.String("text");
  if (!config.key.empty()) {
    writer.Key("api_key");
    writer.String(config.key);
  }
  writer.EndObject();
  request.body.assign(body.GetString(), body.GetSize());
  return request;
}

// {"translatedText": "Hello"}
std::optional<std::string> TranslationIn(std::string_view body) {
  rapidjson::Document json;
  json.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
  if (json.HasParseError() || !json.IsObject()) return {};
  const auto text = json.FindMember("translatedText");
  if (text == json.MemberEnd() || !text->value.IsString()) return {};
  return std::string(text->value.GetString(), text->value.GetStringLength());
}

}  // namespace

RestApi LibreTranslateApi(const config::LibreTranslate& config) {
  RestApi api;
  api.service.name = "libretranslate";
  api.service.key = config.key;
  api.service.key_env =
      config.key_env.empty() ? "translation.libretranslate.key_env" : config.key_env;
  api.url_key = "translation.libretranslate.url";
  api.request = [config](const Passage& passage) { return Request(config, passage); };
  api.translation = TranslationIn;
  return api;
}

}  // namespace luna::translation
