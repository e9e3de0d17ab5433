"""What the page's tests and screenshots run against."""

import contextlib
import hashlib

from configuration import PATIENT, write_configuration
from processes import LunaServer
from scripts import TOKEN

TRANSLATING = "{wait_ms: 60000, deadline_ms: 60000}"


@contextlib.contextmanager
def page_servers(folder, fake_url):
    """The environment that page/browser.mjs reads: of a server that waits for translations, one that wants TOKEN, and one
    besides."""
    tokens = folder / "tokens"
    tokens.write_text(f"{hashlib.sha256(TOKEN.encode()).hexdigest()} alice\n")
    tokens.chmod(0o600)
    different = {
        "PAGE_LUNA": {},
        "PAGE_TRANSLATING": {"translation": TRANSLATING},
        "PAGE_GUARDED": {"auth": f"{{tokens_file: '{tokens}'}}"},
    }
    servers = {}
    try:
        for name, changes in different.items():
            (folder / name).mkdir()
            file = write_configuration(folder / name, fake_url, fake_url, **(PATIENT | changes))
            servers[name] = LunaServer(file)
        urls = {name: server.url for name, server in servers.items()}
        yield urls | {"PAGE_TOKEN": TOKEN, "PAGE_FAKE": fake_url}
    finally:
        for server in servers.values():
            server.stop()
