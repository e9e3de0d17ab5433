"""What is measured and what it needs, as processes on free ports of 127.0.0.1, stopped by their id."""

import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "build/release/server/luna-server"
TOOLS = ROOT / "build/bench/tests"
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"
CORES = len(os.sched_getaffinity(0))

INPUT = "Explain the future of AI."
# Each request has a number of its own (load.h), so that no cache has its answer.
NUMBERED_INPUT = "인공지능의 미래에 대해 설명해주세요. 00000000"
TRANSLATION = "Explain the future of AI."
# Emotion, translation, memory and cache are no part of what a byte proxy does.
OFF = ("emotion", "translation", "memory", "cache")

# reuseport: the kernel shares connections out between the workers; else one may get all of a few.
NGINX_CONF = """\
daemon off;
master_process on;
{user}
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
worker_processes {workers};
worker_rlimit_nofile {descriptors};
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  upstream provider {{ server {provider}; keepalive 1024; keepalive_requests 1000000000; }}
  upstream bare {{ server {bare}; keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen {http} reuseport;
    location = {file} {{
      alias {folder}/answer.sse;
      default_type text/event-stream;
      sendfile on;
    }}
    location / {{
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
  server {{
    listen {grpc} http2 reuseport;
    http2_max_concurrent_streams 100;
    location / {{ grpc_pass grpc://bare; }}
  }}
}}
"""


def clean_environment():
    """The environment without what would configure luna or lead past loopback."""
    ours = ("LLM_", "GEMINI_", "GENAI_", "LUNA_")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) and "proxy" not in name.lower()
    }


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def descriptors():
    """How many a process may have; not more than any row has use for, since nginx makes room for all of them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 40_000 if hard == resource.RLIM_INFINITY else min(hard, 40_000)


class Process:
    def __init__(self, folder, name, command, env=None):
        self.name = name
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *map(str, command)],  # ends with the bench, however that ends
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=env or clean_environment(),
            )

    @property
    def pid(self):
        return self._process.pid

    def pids(self):
        """The processes that do the work."""
        return [self.pid]

    def first_line(self):
        ready, _, _ = select.select([self._process.stdout], [], [], 30)
        line = self._process.stdout.readline().decode().strip() if ready else ""
        if not line.startswith("listening "):
            raise self.did_not_start()
        return line

    def did_not_start(self):
        self.stop()
        return RuntimeError(f"{self.name} did not start: {self._log.read_text()[-2000:]}")

    def stop(self):
        # Nothing runs any more, so that it stops at once.
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                self._process.send_signal(number)
            try:
                self._process.wait(10)
                break
            except subprocess.TimeoutExpired:
                continue
        self._process.stdout.close()

    def memory(self):
        """Bytes: {"rss", "pss"}, of all the processes that do the work."""
        total = {"rss": 0, "pss": 0}
        for pid in self.pids():
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            for name in total:
                total[name] += 1024 * int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M | re.I)[1])
        return total


class FakeProvider(Process):
    def __init__(self, folder, *flags):
        super().__init__(folder, "fake-provider", [TOOLS / "support/fake-provider", *flags])
        self.address = f"127.0.0.1:{self.first_line().split()[1]}"

    def last_request(self):
        """Path and body of the last request that the provider was made."""
        request = self._state()["requests"][-1]
        return request["path"], request["body"]

    def seen(self):
        """How many requests it was made."""
        return self._state()["seen"]

    def _state(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{self.address}/_fake/state", timeout=30) as answer:
            return json.load(answer)


class BareGrpc(Process):
    def __init__(self, folder, *flags):
        super().__init__(folder, "bare-grpc", [TOOLS / "bench/bare-grpc", *flags])
        self.address = f"127.0.0.1:{self.first_line().split()[1]}"


class Luna(Process):
    """luna-server as `./run serve` builds and starts it, with config/models.yaml; only the provider's
    address and the chunking are changed, and where a `translator` is given it translates."""

    def __init__(self, folder, name, provider, chunking, translator=None):
        changed = {
            r'(?<=base_url: )"\S+"': f'"http://{provider}/v1beta"',
            r"(?<=  chunking: )\w+": chunking,
            r"(?<=system_file: )(?=\w)": f"{ROOT}/config/",
        }
        if translator:
            changed[r"(?<=\n  servers:\n)"] = f'    translator: {{url: "http://{translator}"}}\n'
        text = (ROOT / "config/models.yaml").read_text()
        for pattern, value in changed.items():
            text, count = re.subn(pattern, value, text)
            if count != 1:
                raise RuntimeError(f"config/models.yaml: {count} places for {pattern}")
        config = folder / f"{name}.yaml"
        config.write_text(text)
        flags = ["--config", config, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--data-dir", folder / name]
        super().__init__(
            folder, name, [SERVER, *flags], clean_environment() | {"GEMINI_API_KEY": "the-bench-key"}
        )
        _, http, grpc = self.first_line().split()
        self.http = http.removeprefix("http=")
        self.grpc = grpc.removeprefix("grpc=")


class Nginx(Process):
    def __init__(self, folder, provider, bare, name="nginx"):
        self.http, self.grpc = free_address(), free_address()
        home = folder / name
        home.mkdir(exist_ok=True)
        self.file = home / "answer.sse"  # what it gives for FILE_PATH, once it is there
        conf = home / "nginx.conf"
        most = descriptors()
        conf.write_text(
            NGINX_CONF.format(
                folder=home, file=FILE_PATH, provider=provider, bare=bare, http=self.http, grpc=self.grpc, workers=CORES,
                descriptors=most, connections=most - 100, user="user root;" if os.geteuid() == 0 else "",
            )
        )  # fmt: skip
        super().__init__(folder, name, [NGINX, "-p", home, "-e", home / "nginx.log", "-c", conf])
        until = time.monotonic() + 10
        while len(self.pids()) < CORES or not connects(self.http) or not connects(self.grpc):
            if time.monotonic() > until or self._process.poll() is not None:
                self._log = home / "nginx.log"
                raise self.did_not_start()
            time.sleep(0.02)

    def pids(self):
        """The workers; the master only waits."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in children.read_text().split()] if children.exists() else []


def connects(address):
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


def json_request(text, off):
    return json.dumps({"input": text, "features": dict.fromkeys(off, False)}, ensure_ascii=False).encode()


def grpc_request(text, off):
    """The same as a luna.v1.InteractRequest: `input` is field 1, `features` 5, whose fields 1 to 4 are OFF."""
    text = text.encode()
    features = b"".join(bytes([(OFF.index(name) + 1) << 3, 0]) for name in off)
    return b"\x0a" + bytes([len(text)]) + text + b"\x2a" + bytes([len(features)]) + features


class Stage:
    """The provider, the bare gRPC server and what stands before them, for one row. `first_ms`, `gap_ms`:
    the pace of an answer's `chunks`. Use as a context."""

    def __init__(self, folder, chunks, first_ms=0, gap_ms=0, servers=("luna", "nginx")):
        self.folder = folder
        self.chunks = chunks
        pace = ["--chunks", chunks, "--first-ms", first_ms, "--gap-ms", gap_ms, "--threads", CORES]
        self._started = []
        try:
            self.provider = self._start(FakeProvider, *pace)
            self.bare = self._start(BareGrpc, *pace)
            self.servers = {name: self._start_server(name) for name in servers}
            self._write_requests()
        except BaseException:
            self.stop()
            raise

    def _start(self, kind, *arguments):
        self._started.append(kind(self.folder, *arguments))
        return self._started[-1]

    def _start_server(self, name):
        if name.startswith("nginx"):
            return self._start(Nginx, self.provider.address, self.bare.address, name.replace(" ", "-"))
        chunking = "word" if name == "luna word" else "raw"
        translator = None
        if name == "luna whole":
            translator = self._start(FakeProvider, "--chunks", 1, "--text", TRANSLATION).address
        return self._start(Luna, name.replace(" ", "-"), self.provider.address, chunking, translator)

    def _write_requests(self):
        for name in BODIES:
            whole = name == "luna-whole"
            text = NUMBERED_INPUT if whole else INPUT
            off = [part for part in OFF if not whole and name != f"luna-{part}"]
            (self.folder / f"{name}.json").write_bytes(json_request(text, off))
            (self.folder / f"{name}.bin").write_bytes(grpc_request(text, off))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for process in reversed(self._started):
            process.stop()

    def ask(self, target):
        """One request of luna over SSE; the whole body of its response."""
        request = urllib.request.Request(
            f"http://{self.servers[target].http}/interact/stream",
            (self.folder / f"{target.replace(' ', '-')}.json").read_bytes(),
            {"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            return answer.read()

    def flags(self, transport, target):
        """The load client's: where it goes and what it asks. `direct` is the provider or the bare server."""
        server = self.servers.get(target)
        watched = server or (self.provider if transport == "sse" else self.bare)
        behind = self.provider if transport == "sse" or target.startswith("luna") else self.bare
        flags = ["--watch", *watched.pids()]
        flags += ["--beside", behind.pid] if server else []
        name = target.replace(" ", "-")
        body = self.folder / (name if name in BODIES else "luna")
        if transport == "grpc":
            address = server.grpc if server else self.bare.address
            return [*flags, "--grpc", "--address", address, "--body", f"{body}.bin"]
        address = server.http if server else self.provider.address
        if target.startswith("luna"):
            return [*flags, "--address", address, "--path", "/interact/stream", "--body", f"{body}.json"]
        if target == "nginx file":
            return [*flags, "--address", address, "--path", FILE_PATH]
        return [*flags, "--address", address, "--path", PROVIDER_PATH, "--body", self.folder / "provider.json"]


FILE_PATH = "/answer.sse"
# What is asked of luna: with all of OFF off, with one of it on, or with all.
BODIES = ("luna", "luna-memory", "luna-cache", "luna-whole")
PROVIDER_PATH = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"


def record_provider_request(folder):
    """Writes what luna asks the provider to provider.json: what goes through nginx is the same, to the byte."""
    with Stage(folder, chunks=1, servers=("luna",)) as stage:
        stage.ask("luna")
        path, body = stage.provider.last_request()
    if path != PROVIDER_PATH:
        raise RuntimeError(f"luna asked the provider at {path}")
    (folder / "provider.json").write_text(body)
