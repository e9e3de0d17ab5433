#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <google/protobuf/util/json_util.h>

#include "echo.pb.h"
#include "luna/v1/emotion.pb.h"
#include "luna/v1/interaction.pb.h"
#include "tests/fuzz/json_check.h"

// An input is a digit that chooses a message and how it is read, a line for the query, a line for
// the path's variable, and the body.
namespace luna::fuzz {
namespace {

using google::protobuf::Message;

std::string_view TakeLine(std::string_view& input) {
  const std::size_t end = input.find('\n');
  const std::string_view line = input.substr(0, end);
  input.remove_prefix(end == input.npos ? input.size() : end + 1);
  return line;
}

struct Form {
  const Message& message;
  std::string_view body;
  std::string_view variable = "";
};

void Run(std::string_view input) {
  static const std::array<Form, 10> kForms = {{
      {v1::InteractRequest::default_instance(), "*"},
      {v1::AnswerRequest::default_instance(), "*"},
      {v1::InteractResponse::default_instance(), "*"},
      {v1::AnswerResponse::default_instance(), "*"},
      {test::EchoRequest::default_instance(), "*", "name"},
      {test::EchoRequest::default_instance(), "nested"},
      {test::EchoRequest::default_instance(), ""},
      {test::EchoRequest::default_instance(), "", "count"},
      {v1::InteractResponse::default_instance(), "error", "sequence"},
      {v1::AnalyzeRequest::default_instance(), "*"},
  }};
  const Form& form = kForms[static_cast<std::uint8_t>(TakeByte(input) - '0') % kForms.size()];
  const std::string query(TakeLine(input));
  const std::string variable(TakeLine(input));
  const std::string body(input);
  std::map<std::string, std::string> variables;
  if (!form.variable.empty()) variables[std::string(form.variable)] = variable;

  const std::unique_ptr<Message> message(form.message.New());
  const http::Route route{.method = nullptr, .body = std::string(form.body)};
  const absl::Status status = http::ReadMessage(route, body, query, variables, *message);
  const bool reads_body = !form.body.empty() && !body.empty();
  if (!status.ok()) return CheckRefused(status, "INVALID_INPUT");
  Check(!reads_body || IsStrictJsonObject(body), "only strict JSON is read", body);
  CheckRead(*message);
  if (form.variable == "name") {
    Check(static_cast<const test::EchoRequest&>(*message).name() == variable,
          "the path beats the body");
  }
  if (form.body == "*" && reads_body) {
    const std::unique_ptr<Message> without_query(form.message.New());
    const absl::Status again = http::ReadMessage(route, body, "", variables, *without_query);
    Check(again.ok() && Same(*without_query, *message), "beside a body of * the query is ignored");
  }
  if (form.body == "*" && form.variable.empty() && reads_body) {
    const std::unique_ptr<Message> by_protobuf(form.message.New());
    const auto read = google::protobuf::util::JsonStringToMessage(body, by_protobuf.get());
    Check(read.ok() && Same(*by_protobuf, *message), "what is read is what protobuf reads", body);
  }
}

}  // namespace
}  // namespace luna::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  luna::fuzz::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
