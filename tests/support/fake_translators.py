"""Translation services as their vendors document them: what they ask of a request, and how they answer."""

import json
import select
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

KEY = "the-translators-key"
REGION = "koreacentral"

# What they know how to translate, by text and language.
KNOWN = {
    ("안녕, 루나", "en"): "Hello, Luna",
    ("인공지능의 미래에 대해 설명해주세요.", "en"): "Explain the future of AI.",
    ("Hello, Luna", "ko"): "안녕, 루나",
}
LANGUAGES = ("ko", "en", "ja")


@dataclass
class Request:
    path: str
    query: dict
    headers: dict
    body: bytes


class FakeTranslator:
    """Listens on a port of its own. Answers each request as `answer` of its kind says, or with the next of
    what `answer_next` was told; while `hold` holds, no request is answered."""

    def __init__(self):
        self._changed = threading.Condition()
        self.reset()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                query = parse_qs(url.query, keep_blank_values=True)
                request = Request(url.path, query, dict(self.headers), body)
                if fake._take(request, self.connection):
                    self._reply(*fake._answer(request))
                else:
                    self.close_connection = True

            def _reply(self, status, answer, headers=()):
                payload = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                with suppress(ConnectionError):
                    self.wfile.write(payload)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def reset(self):
        with self._changed:
            self.requests = []
            self.left = 0  # clients that went away while they were held
            self._held = None
            self._next = []

    def stop(self):
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer_next(self, *answers):
        """(status, body) or (status, body, headers) for each of the next requests."""
        self._next += answers

    def hold(self):
        self._held = socket.socketpair()

    def release(self):
        if self._held:
            self._held[1].close()

    def wait_for(self, requests=0, left=0):
        with self._changed:
            there = lambda: len(self.requests) >= requests and self.left >= left
            assert self._changed.wait_for(there, 30), (len(self.requests), self.left)

    def _take(self, request, connection):
        """Notes a request and holds it, where that is what is wanted. False: its client has gone."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        if not self._held:
            return True
        ready, _, _ = select.select([connection, self._held[0]], [], [], 60)
        if connection not in ready:
            return True
        with self._changed:
            self.left += 1
            self._changed.notify_all()
        return False

    def _answer(self, request):
        return self._next.pop(0) if self._next else self.answer(request)


class FakeAzure(FakeTranslator):
    """Azure AI Translator v3.
    https://learn.microsoft.com/azure/ai-services/translator/text-translation/reference/v3/translate
    Errors: https://learn.microsoft.com/azure/ai-services/translator/text-translation/reference/status-response-codes
    """

    def answer(self, request):
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("ocp-apim-subscription-key") != KEY or headers.get("ocp-apim-subscription-region") != REGION:
            return azure_error(401000, "The request is not authorized because credentials are missing or invalid.")
        if request.path != "/translate":
            return 404, {"error": {"code": "404", "message": "Resource not found"}}
        if request.query.get("api-version") != ["3.0"]:
            return azure_error(400021, "The API version parameter is missing or invalid.")
        source, target = (request.query.get(name, [None])[0] for name in ("from", "to"))
        if target not in LANGUAGES:
            return azure_error(400036, 'The target language ("To" field) is missing or invalid.')
        if source not in (None, *LANGUAGES):
            return azure_error(400035, 'The source language ("From" field) is invalid.')
        try:
            ((name, text),) = json.loads(request.body)[0].items()
        except (ValueError, TypeError, AttributeError):
            return azure_error(400074, "The body of the request is not valid JSON.")
        if name != "Text" or not headers["content-type"].startswith("application/json"):
            return azure_error(400005, "An input text is missing or invalid.")
        result = {"translations": [{"text": KNOWN[text, target], "to": target}]}
        if source is None:
            detected = "ko" if target == "en" else "en"
            result = {"detectedLanguage": {"language": detected, "score": 1.0}} | result
        return 200, [result]


def azure_error(code, message, **headers):
    return code // 1000, {"error": {"code": code, "message": message}}, headers.items()


AZURE_BUSY = azure_error(429001, "The server rejected the request because the client has exceeded request limits.")
AZURE_DOWN = azure_error(503000, "Service is temporarily unavailable. Retry. If the error persists, report it.")


class FakeLibreTranslate(FakeTranslator):
    """LibreTranslate, with API keys required.
    https://docs.libretranslate.com/guides/api_usage/
    Errors: https://github.com/LibreTranslate/LibreTranslate/blob/main/libretranslate/app.py
    """

    def answer(self, request):
        if request.path != "/translate":
            return 404, {"error": "Not found"}
        fields = json.loads(request.body)
        if not fields.get("api_key"):
            return 400, {"error": "Please contact the server operator to get an API key"}
        if fields["api_key"] != KEY:
            return 403, {"error": "Invalid API key"}
        for name in ("q", "source", "target"):
            if not fields.get(name):
                return 400, {"error": f"Invalid request: missing {name} parameter"}
        if fields.get("format", "text") != "text":
            return 400, {"error": f"{fields['format']} format is not supported"}
        source, target = fields["source"], fields["target"]
        for language in (source, target):
            if language not in (*LANGUAGES, "auto"):
                return 400, {"error": f"{language} is not supported"}
        result = {"translatedText": KNOWN[fields["q"], target]}
        if source == "auto":
            detected = {"confidence": 90.0, "language": "ko" if target == "en" else "en"}
            result = {"detectedLanguage": detected} | result
        return 200, result


LIBRETRANSLATE_BUSY = (429, {"error": "Slowdown: 20 per 1 minute"})
LIBRETRANSLATE_DOWN = (500, {"error": "Internal Server Error"})
