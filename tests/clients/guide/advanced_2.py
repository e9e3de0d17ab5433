for chunk in stream:
    if "error" in chunk:
        print(f"오류 발생: {chunk['error']}")
        # 재시도 로직
        break
    
    # 정상 처리
    if chunk.get("choices"):
        content = chunk["choices"][0]["delta"].get("content", "")
        print(content, end="")
