#!/usr/bin/env python3
"""luna의 답을 실시간으로 받는 방법들 (스트리밍 가이드 3~5절과 고급 사용법)

    python streaming_example.py                  # 모두 차례로
    python streaming_example.py grpc "안녕?"     # 하나만, 다른 질문으로

예제: grpc, sse, generate, timeout, error, progress

서버는 LUNA_SERVER (gRPC, localhost:50051)와 LUNA_HTTP (http://localhost:8000)에 있고, 서버가 토큰을 요구하면
LUNA_TOKEN의 것을 씁니다. `sse`에는 `pip install requests sseclient-py`가 필요합니다.
"""

import json
import os
import sys

from luna_client import Client, Complete, Emotion, LlmChunk, LunaError, Translation

SERVER = os.environ.get("LUNA_SERVER", "localhost:50051")
HTTP = os.environ.get("LUNA_HTTP", "http://localhost:8000")
TOKEN = os.environ.get("LUNA_TOKEN")


def show_grpc(client: Client, question: str) -> None:
    """gRPC로: 이벤트가 하나씩 옵니다."""
    for event in client.interact(question):
        match event:
            case Emotion(emotion, confidence):
                print(f"감정: {emotion} ({confidence:.2f})")
                print("응답: ", end="", flush=True)
            case Translation(text):
                print(f"[번역: {text}]", end="", flush=True)
            case LlmChunk(text):
                print(text, end="", flush=True)
            case Complete():
                print(f"\n완료! ({event.model}, 첫 단어까지 {event.timings.first_chunk_ms} ms)")


def show_sse(_client: Client, question: str) -> None:
    """HTTP로: Server-Sent Events를 requests와 sseclient-py로 읽습니다."""
    try:
        import requests
        import sseclient
    except ImportError as missing:
        print(f"{missing.name} 모듈이 없습니다: pip install requests sseclient-py")
        return

    response = requests.post(
        f"{HTTP}/interact/stream",
        json={"input": question},
        headers={"Authorization": f"Bearer {TOKEN}"} if TOKEN else {},
        stream=True,
        timeout=(5, 30),  # (연결 타임아웃, 읽기 타임아웃)
    )
    if not response.ok:
        print(f"오류 발생: {response.json()['message']}")
        return
    print("응답: ", end="", flush=True)
    for event in sseclient.SSEClient(response).events():
        data = json.loads(event.data)
        if data["type"] == "llm_chunk":
            print(data["data"], end="", flush=True)
        elif data["type"] == "complete":
            print("\n완료!")
            break
        elif data["type"] == "error":
            print(f"\n오류 발생: {data['data']}")
            break


def show_generate(client: Client, question: str) -> None:
    """모델에게 직접: 감정 분석도 기억도 없이, 가이드의 청크로 옵니다."""
    stream = client.generate(
        messages=[
            {"role": "system", "content": "한국어로 짧게 답하세요."},
            {"role": "user", "content": question},
        ],
        stream=True,
    )
    for chunk in stream:
        if "error" in chunk:
            print(f"\n오류 발생: {chunk['error']}")
            break
        print(chunk["choices"][0]["delta"].get("content", ""), end="", flush=True)
    print()


def show_timeout(client: Client, question: str) -> None:
    """타임아웃: 연결에 5초, 이벤트와 이벤트 사이에 30초. 하나의 수는 답 전체의 시간입니다."""
    for timeout in ((5, 30), 0.001):
        try:
            answer = client.answer(question, timeout=timeout)
            print(f"{timeout}: {answer.text}")
        except LunaError as error:
            print(f"{timeout}: {error.code}")


def show_error(client: Client, question: str) -> None:
    """에러 처리: 무엇이 왜 안 되었는지, 다시 해 볼 만한지, 답이 어디까지 왔는지."""
    try:
        for _ in client.interact(question, target="없는-모델"):
            pass
    except LunaError as error:
        print(f"오류 발생: {error.message} ({error.code})")
        print("다시 해 볼 만한가:", "예" if error.retryable else "아니요")
        if error.text_so_far:
            print(f"여기까지 왔습니다: {error.text_so_far}")


def show_progress(client: Client, question: str) -> None:
    """진행 상황 추적."""
    total_chars = 0
    for event in client.interact(question):
        if isinstance(event, LlmChunk):
            total_chars += len(event.text)
            print(f"\r생성된 문자: {total_chars}", end="", flush=True)
    print()


EXAMPLES = {
    "grpc": show_grpc,
    "sse": show_sse,
    "generate": show_generate,
    "timeout": show_timeout,
    "error": show_error,
    "progress": show_progress,
}


def main() -> None:
    names = [sys.argv[1]] if len(sys.argv) > 1 else list(EXAMPLES)
    question = sys.argv[2] if len(sys.argv) > 2 else "인공지능의 미래에 대해 설명해주세요."
    if names[0] not in EXAMPLES:
        raise SystemExit(__doc__)
    with Client(SERVER, token=TOKEN) as client:
        for name in names:
            print(f"=== {name}: {EXAMPLES[name].__doc__}")
            try:
                EXAMPLES[name](client, question)
            except LunaError as error:
                raise SystemExit(f"오류 발생: {error}") from error


if __name__ == "__main__":
    main()
