#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "server/translation/rest.h"

namespace luna::translation {
namespace {

// A resource's own endpoint, as the portal shows it, has the API below a path of its own; the
// global one and those of regions at their root.
// https://learn.microsoft.com/azure/ai-services/translator/text-translation/reference/v3/reference
std::string TranslateUrl(const std::string& endpoint) {
  const bool own = absl::EndsWith(endpoint, ".cognitiveservices.azure.com");
  return absl::StrCat(endpoint, own ? "/translator/text/v3.0" : "", "/translate?api-version=3.0");
}

net::HttpRequest Request(const config::AzureTranslator& config, const Passage& passage) {
  net::HttpRequest request;
  request.url = TranslateUrl(config.url);
  if (!passage.from.empty()) absl::StrAppend(&request.url, "&from=", passage.from);
  absl::StrAppend(&request.url, "&to=", passage.to);
  request.headers = {"Content-Type: application/json; charset=UTF-8",
                     "Ocp-Apim-Subscription-Key: " + config.key};
  if (!config.region.empty()) {
    request.headers.push_back("Ocp-Apim-Subscription-Region: " + config.region);
  }
  rapidjson::StringBuffer body;
  rapidjson::Writer<rapidjson::StringBuffer> writer(body);
  writer.StartArray();
  writer.StartObject();
  writer.Key("Text");
  writer.String(passage.text);
  writer.EndObject();
  writer.EndArray();
  request.body.assign(body.GetString(), body.GetSize());
  return request;
}

// [{"translations": [{"text": "Hello", "to": "en"}]}]
std::optional<std::string> TranslationIn(std::string_view body) {
  rapidjson::Document json;
  json.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
  if (json.HasParseError() || !json.IsArray() || json.Empty() || !json[0].IsObject()) return {};
  const auto translations = json[0].FindMember("translations");
  if (translations == json[0].MemberEnd() || !translations->value.IsArray() ||
      translations->value.Empty() || !translations->value[0].IsObject()) {
    return {};
  }
  const auto text = translations->value[0].FindMember("text");
  if (text == translations->value[0].MemberEnd() || !text->value.IsString()) return {};
  return std::string(text->value.GetString(), text->value.GetStringLength());
}

}  // namespace

RestApi AzureApi(const config::AzureTranslator& config) {
  RestApi api;
  api.service.name = "azure";
  api.service.key = config.key;
  api.service.key_env = config::kAzureTranslatorKey;
  api.url_key = config::kAzureTranslatorEndpoint;
  api.request = [config](const Passage& passage) { return Request(config, passage); };
  api.translation = TranslationIn;
  return api;
}

}  // namespace luna::translation
