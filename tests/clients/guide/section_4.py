from services.llm_manager import LLMManager

llm = LLMManager(
    mode="api",
    api_configs={"gemini": {"model": "gemini-2.5-flash"}}
)

# 스트리밍 요청
stream = llm.generate(
    target="gemini",
    messages=[
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Tell me about Python."}
    ],
    stream=True  # 스트리밍 활성화
)

# 응답 처리
for chunk in stream:
    if chunk.get("choices"):
        content = chunk["choices"][0]["delta"].get("content", "")
        if content:
            print(content, end="", flush=True)
