total_chars = 0

for chunk in stream:
    if chunk.get("choices"):
        content = chunk["choices"][0]["delta"].get("content", "")
        total_chars += len(content)
        print(f"\r생성된 문자: {total_chars}", end="")
