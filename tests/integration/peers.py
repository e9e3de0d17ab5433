"""Upstreams that never get as far as HTTP: the fake provider cannot play them."""

import socket
import ssl
import struct
import subprocess
import threading
from contextlib import suppress

PEERS = ("plain", "self_signed", "mute", "resetting", "closing")


class Peer:
    """Listens on a port of its own and counts who connects."""

    scheme = "https"

    def __init__(self):
        self.connections = 0
        self._counted = threading.Condition()
        self._open = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{self.scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(10)
            with self._counted:
                self.connections += 1
                self._open.append(connection)
                self._counted.notify_all()
            with suppress(OSError):  # whoever does not like what it hears leaves
                self.serve(connection)

    def wait_for(self, connections):
        """Until so many have connected."""
        with self._counted:
            assert self._counted.wait_for(lambda: self.connections >= connections, 30)

    def serve(self, connection):
        raise NotImplementedError

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._open:
            connection.close()


class Plain(Peer):
    """Speaks HTTP where TLS is expected."""

    def serve(self, connection):
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            connection.recv(4096)


class SelfSigned(Peer):
    """Speaks TLS, with a certificate that it made itself."""

    def __init__(self, folder):
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
        command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=127.0.0.1"]
        command += ["-keyout", key, "-out", certificate]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)
        super().__init__()

    def serve(self, connection):
        with connection, self._tls.wrap_socket(connection, server_side=True) as secured:
            secured.recv(4096)


class Mute(Peer):
    """Takes connections and never says a word."""

    def serve(self, connection):
        pass

    def wait_until_all_have_left(self):
        for connection in self._open:
            with suppress(ConnectionError):
                while connection.recv(4096):
                    pass


class Closing(Peer):
    """Takes a request and leaves."""

    scheme = "http"

    def serve(self, connection):
        with connection:
            connection.recv(65536)


class Resetting(Closing):
    """Takes a request and leaves with RST."""

    def serve(self, connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        super().serve(connection)


def start_peers(folder):
    """PEERS by name."""
    peers = (Plain(), SelfSigned(folder), Mute(), Resetting(), Closing())
    return dict(zip(PEERS, peers, strict=True))
