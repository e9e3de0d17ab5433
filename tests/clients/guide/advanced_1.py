import requests

response = requests.post(
    "http://localhost:8000/interact/stream",
    json={"input": "질문"},
    stream=True,
    timeout=(5, 30)  # (연결 타임아웃, 읽기 타임아웃)
)
