from services.llm_api import LLMAPIService

api = LLMAPIService(
    api_configs={"gemini": {"model": "gemini-2.5-flash"}}
)

# 스트리밍 요청
stream = api.generate(
    target_provider="gemini",
    system_prompt="You are a helpful assistant.",
    user_prompt="What is machine learning?",
    stream=True
)

# 응답 처리
for chunk in stream:
    if "error" in chunk:
        print(f"Error: {chunk['error']}")
        break
    
    if chunk.get("choices"):
        content = chunk["choices"][0]["delta"].get("content", "")
        print(content, end="", flush=True)
