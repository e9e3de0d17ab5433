import requests
import json
import sseclient

def stream_response(user_input: str):
    url = "http://localhost:8000/interact/stream"
    data = {"input": user_input}
    
    response = requests.post(url, json=data, stream=True)
    client = sseclient.SSEClient(response)
    
    print("응답: ", end="", flush=True)
    
    for event in client.events():
        data = json.loads(event.data)
        
        if data["type"] == "llm_chunk":
            print(data["data"], end="", flush=True)
        
        elif data["type"] == "complete":
            print("\n완료!")
            break

# 사용
stream_response("안녕하세요!")
