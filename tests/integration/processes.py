"""The real binaries, as processes: started on port 0, stopped by their id."""

import os
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("LUNA_BUILD", "build/debug")
SERVER = BUILD / "server/luna-server"
CLIENT = BUILD / "client/cpp/luna"
FAKE = BUILD / "tests/support/fake-provider"
HANGING_NAMES = BUILD / "tests/support/libhanging-names.so"

START_SECONDS = 60
STOP_SECONDS = 60
# The environment of a server whose memory is measured: under ASan freed memory is kept for a while.
MEASURED = {"ASAN_OPTIONS": "quarantine_size_mb=1"}
OPEN = ("luna_streams_open", "luna_upstream_requests_open")
SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")


def clean_environment(**more):
    """The environment without what would configure luna or lead past loopback."""
    ours = ("LLM_", "GEMINI_", "GENAI_", "LUNA_", "AZURE_TRANSLATOR_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) and "proxy" not in name.lower()
    }
    return kept | more


def read_exactly(pipe, size, seconds=60):
    """So many bytes of a pipe that nobody buffers; fewer if it ends or the time is over."""
    until = time.monotonic() + seconds
    data = b""
    while len(data) < size:
        ready, _, _ = select.select([pipe], [], [], max(0, until - time.monotonic()))
        more = os.read(pipe.fileno(), size - len(data)) if ready else b""
        if not more:
            break
        data += more
    return data


class Process:
    """A process that says on its first line of stdout that it is ready. What is to be different in it, a
    command before it does (`through`) and no `preexec_fn`: in a copy of this process gRPC's threads abort
    now and then before it is the command."""

    def __init__(self, command, env=None):
        self._stderr = tempfile.TemporaryFile()
        self.command = [str(part) for part in command]
        self._process = subprocess.Popen(
            self.command,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=env or clean_environment(),
        )
        ready, _, _ = select.select([self._process.stdout], [], [], START_SECONDS)
        self.first_line = self._process.stdout.readline().decode().strip() if ready else ""
        if not self.first_line:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"{command[0]} did not start: {self.stderr()}")

    def stderr(self):
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace")

    @property
    def pid(self):
        return self._process.pid

    def running(self):
        return self._process.poll() is None

    def send(self, number=signal.SIGTERM):
        self._process.send_signal(number)

    def kill(self):
        """Ends it at once, as a power cut would."""
        self.send(signal.SIGKILL)
        self._process.wait(STOP_SECONDS)
        self._process.stdout.close()

    def stop(self, number=signal.SIGTERM):
        """Ends it and checks that it ended well: exit code 0, no sanitizer's report."""
        self.send(number)
        code = self.exit_code()
        assert code == 0, f"exit code {code}: {self.stderr()}"

    def exit_code(self):
        """Waits for its end; without a sanitizer's report."""
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"did not stop: {self.stderr()}") from None
        finally:
            self._process.stdout.close()
        said = self.stderr()
        assert not any(word in said for word in SANITIZER_WORDS), said
        return code

    def memory(self):
        """Resident bytes."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class FakeProvider(Process):
    """tests/support/fake_provider; script.h there says what a script may hold."""

    def __init__(self, *flags):
        super().__init__([FAKE, *flags])
        self.port = int(self.first_line.split()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._session = requests.Session()

    def _ask(self, method, path, **more):
        answer = self._session.request(method, f"{self.url}/_fake{path}", timeout=60, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def script(self, script):
        """What every request gets, or, as a list, what the next ones get, one each."""
        self._ask("PUT", "/script", json=script)

    def health(self, script):
        self._ask("PUT", "/health", json=script)

    def step(self, count=1, gate="step"):
        """Lets as many requests go on that wait at {"await": gate}."""
        self._ask("POST", f"/step?count={count}&gate={gate}")

    def state(self):
        return self._ask("GET", "/state")

    def requests(self):
        return self.state()["requests"]

    def wait(self, **counters):
        """The state, once the counters are there: requests, finished, cancelled, waiting, open."""
        query = "&".join(f"{name}={count}" for name, count in counters.items())
        return self._ask("GET", f"/wait?{query}&timeout_ms=30000")

    def reset(self):
        self._ask("DELETE", "")


class LunaServer(Process):
    """luna-server with a configuration file. `http` and `grpc` are ADDRESS:PORT. `through`: a command
    that becomes the server; `binary`: another build's."""

    def __init__(self, config, *flags, grpc="127.0.0.1:0", through=(), binary=SERVER, **environment):
        env = clean_environment(**{"GEMINI_API_KEY": "the-test-key"} | environment)
        ports = ["--http", "127.0.0.1:0", "--grpc", grpc]
        self.config = Path(config)
        command = [*through, binary.resolve(), "--config", config, *ports, *flags]
        super().__init__(command, env)
        word, http, grpc = self.first_line.split()
        assert (word, http[:5], grpc[:5]) == ("listening", "http=", "grpc=")
        self.http = http[5:]
        self.grpc = grpc[5:]
        self.url = f"http://{self.http}"

    def metrics(self):
        """What /metrics says now: by name, and by name{labels}."""
        values = {}
        for line in requests.get(f"{self.url}/metrics", timeout=60).text.splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
                bare = name.split("{")[0]
                values[bare] = values.get(bare, 0) + float(value) if "{" in name else float(value)
        return values

    def wait_until_nothing_is_open(self):
        """The metrics, once there is no stream and no request to a model any more."""
        return self.wait_for(dict.fromkeys(OPEN, 0))

    def wait_for(self, values):
        """The metrics, once they are these."""
        until = time.monotonic() + 30
        while True:
            seen = self.metrics()
            now = {name: seen.get(name, 0) for name in values}
            if now == values:
                return seen
            assert time.monotonic() < until, now
