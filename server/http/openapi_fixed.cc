#include "server/http/openapi_fixed.h"

namespace luna::http {

const std::vector<FixedPart>& FixedPaths() {
  static const std::vector<FixedPart> paths{
      {"/health", R"({"get": {
        "operationId": "GetHealth",
        "tags": ["Server"],
        "description": "Whether the server takes requests.",
        "security": [],
        "responses": {
          "200": {"description": "It does.",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}},
          "503": {"description": "It is stopping.",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}},
          "default": {"$ref": "#/components/responses/Error"}}}})"},
      {"/metrics", R"({"get": {
        "operationId": "GetMetrics",
        "tags": ["Server"],
        "description": "What the server counts, as Prometheus reads it.",
        "responses": {
          "200": {"description": "OK", "content": {"text/plain": {"schema": {"type": "string"}}}},
          "default": {"$ref": "#/components/responses/Error"}}}})"},
      {"/openapi.json", R"({"get": {
        "operationId": "GetOpenApi",
        "tags": ["Server"],
        "description": "This document.",
        "security": [],
        "responses": {
          "200": {"description": "OK", "content": {"application/json": {"schema": {"type": "object"}}}},
          "default": {"$ref": "#/components/responses/Error"}}}})"},
      {"/v1/chat/completions", R"({"post": {
        "operationId": "CreateChatCompletion",
        "tags": ["GenerationService"],
        "description": "Asks a model in OpenAI's form. A stream ends with the line `data: [DONE]`.",
        "requestBody": {
          "required": true,
          "content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/ChatCompletionRequest"}}}},
        "responses": {
          "200": {
            "description": "OK",
            "content": {
              "application/json": {"schema": {"$ref": "#/components/schemas/ChatCompletion"}},
              "text/event-stream": {"schema": {"oneOf": [
                {"$ref": "#/components/schemas/ChatCompletionChunk"},
                {"$ref": "#/components/schemas/OpenAiError"}]}}}},
          "default": {"$ref": "#/components/responses/OpenAiError"}}}})"},
  };
  return paths;
}

const std::vector<FixedPart>& FixedSchemas() {
  static const std::vector<FixedPart> schemas{
      {"Health", R"({
        "type": "object",
        "required": ["server", "version", "status"],
        "properties": {
          "server": {"type": "string"},
          "version": {"type": "string"},
          "status": {"type": "string", "enum": ["healthy", "draining"]}}})"},
      {"ChatCompletionRequest", R"({
        "type": "object",
        "description": "At least one message is a user's. Other fields of OpenAI's are ignored where they change nothing in the answer, else refused.",
        "required": ["messages"],
        "properties": {
          "model": {"type": "string", "nullable": true,
                    "description": "A target, or the model that one is configured with; the default target where it is left out."},
          "messages": {"type": "array", "minItems": 1,
                       "items": {"$ref": "#/components/schemas/ChatCompletionMessage"}},
          "temperature": {"type": "number", "nullable": true, "minimum": 0, "maximum": 2},
          "top_p": {"type": "number", "nullable": true, "minimum": 0, "maximum": 1},
          "max_tokens": {"type": "integer", "format": "int32", "nullable": true, "minimum": 1},
          "max_completion_tokens": {"type": "integer", "format": "int32", "nullable": true, "minimum": 1},
          "seed": {"type": "integer", "format": "int32", "nullable": true},
          "stop": {"nullable": true, "oneOf": [
            {"type": "string", "minLength": 1},
            {"type": "array", "maxItems": 4, "items": {"type": "string", "minLength": 1}}]},
          "stream": {"type": "boolean", "nullable": true},
          "stream_options": {"type": "object", "nullable": true, "properties": {
            "include_usage": {"type": "boolean", "nullable": true}}},
          "user": {"type": "string", "nullable": true, "maxLength": 128,
                   "description": "The user_id, where no token says who asks."},
          "skip_cache": {"type": "boolean", "nullable": true,
                         "description": "luna's own: the answer is neither taken from the cache nor kept there."}}})"},
      {"ChatCompletionMessage", R"({
        "type": "object",
        "required": ["role", "content"],
        "properties": {
          "role": {"type": "string", "enum": ["system", "developer", "user", "assistant"]},
          "content": {"oneOf": [
            {"type": "string"},
            {"type": "array", "items": {
              "type": "object",
              "required": ["type", "text"],
              "properties": {
                "type": {"type": "string", "enum": ["text"]},
                "text": {"type": "string"}}}}]}}})"},
      {"ChatCompletion", R"({
        "type": "object",
        "required": ["id", "object", "created", "model", "choices", "usage"],
        "properties": {
          "id": {"type": "string"},
          "object": {"type": "string", "enum": ["chat.completion"]},
          "created": {"type": "integer", "format": "int64"},
          "model": {"type": "string"},
          "choices": {"type": "array", "minItems": 1, "maxItems": 1, "items": {
            "type": "object",
            "required": ["index", "message", "logprobs", "finish_reason"],
            "properties": {
              "index": {"type": "integer", "format": "int32"},
              "message": {
                "type": "object",
                "required": ["role", "content", "refusal"],
                "properties": {
                  "role": {"type": "string", "enum": ["assistant"]},
                  "content": {"type": "string"},
                  "refusal": {"type": "string", "nullable": true}}},
              "logprobs": {"type": "object", "nullable": true},
              "finish_reason": {"type": "string", "enum": ["stop", "length"]}}}},
          "usage": {"$ref": "#/components/schemas/CompletionUsage"}}})"},
      {"ChatCompletionChunk", R"({
        "type": "object",
        "required": ["id", "object", "created", "model", "choices"],
        "properties": {
          "id": {"type": "string"},
          "object": {"type": "string", "enum": ["chat.completion.chunk"]},
          "created": {"type": "integer", "format": "int64"},
          "model": {"type": "string"},
          "choices": {"type": "array", "maxItems": 1, "items": {
            "type": "object",
            "required": ["index", "delta", "finish_reason"],
            "properties": {
              "index": {"type": "integer", "format": "int32"},
              "delta": {
                "type": "object",
                "properties": {
                  "role": {"type": "string", "enum": ["assistant"]},
                  "content": {"type": "string"}}},
              "finish_reason": {"type": "string", "nullable": true, "enum": ["stop", "length", null]}}}},
          "usage": {"nullable": true, "allOf": [{"$ref": "#/components/schemas/CompletionUsage"}]}}})"},
      {"CompletionUsage", R"({
        "type": "object",
        "required": ["prompt_tokens", "completion_tokens", "total_tokens", "completion_tokens_details"],
        "properties": {
          "prompt_tokens": {"type": "integer", "format": "int32"},
          "completion_tokens": {"type": "integer", "format": "int32"},
          "total_tokens": {"type": "integer", "format": "int32"},
          "completion_tokens_details": {
            "type": "object",
            "required": ["reasoning_tokens"],
            "properties": {"reasoning_tokens": {"type": "integer", "format": "int32"}}}}})"},
      {"StreamError", R"({
        "type": "object",
        "description": "The end of a stream that failed.",
        "required": ["error"],
        "properties": {"error": {"type": "string"}}})"},
      {"OpenAiError", R"({
        "type": "object",
        "required": ["error"],
        "properties": {"error": {
          "type": "object",
          "required": ["message", "type", "param", "code"],
          "properties": {
            "message": {"type": "string"},
            "type": {"type": "string"},
            "param": {"type": "string", "nullable": true},
            "code": {"type": "string"}}}}})"},
  };
  return schemas;
}

}  // namespace luna::http
