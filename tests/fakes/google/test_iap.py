"""The relay of IAP, met by a client in a few lines: a banner of sshd, a reconnect, each code of a close."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import struct
import threading
import unittest
from typing import Any
from urllib.parse import urlencode, urlsplit

from harness import PROJECT, TOKEN, ZONE, Fake

HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "relay.tunnel.cloudproxy.app",
    "Origin": "bot:iap-tunneler",
    "Authorization": f"Bearer {TOKEN}",
}
SUCCESS_SID, SUCCESS_ACK, DATA, ACK = 1, 2, 4, 7


class Lost(Exception):
    """The connection ended; without a code when nobody said why."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(code)
        self.code = code


class Client:
    """One websocket to the relay."""

    def __init__(self, url: str, path: str, query: dict[str, Any], **headers: str) -> None:
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port), 10)
        self.file = self.socket.makefile("rb")
        lines = {**HANDSHAKE, "Host": address.netloc, "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode()}
        lines |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = f"GET /iap/v4/{path}?{urlencode(query)} HTTP/1.1\r\n"
        self.socket.sendall((head + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n").encode())
        self.status = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass

    def receive(self) -> tuple[int, bytes]:
        """The next frame of the relay: its tag and the rest."""
        first, length = self._read(2)
        if length == 126:
            (length,) = struct.unpack("!H", self._read(2))
        data = self._read(length)
        if first & 15 == 8:
            raise Lost(int.from_bytes(data[:2], "big"))
        return int.from_bytes(data[:2], "big"), data[2:]

    def _read(self, length: int) -> bytes:
        try:
            data = self.file.read(length)
        except ConnectionError:
            data = b""
        if len(data) < length:
            raise Lost
        return data

    def send(self, tag: int, rest: bytes) -> None:
        self.websocket_frame(2, struct.pack("!H", tag) + rest)

    def websocket_frame(self, opcode: int, data: bytes) -> None:
        length = bytes([0x80 | len(data)]) if len(data) < 126 else struct.pack("!BH", 0x80 | 126, len(data))
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
        self.socket.sendall(bytes([0x80 | opcode]) + length + mask + masked)

    def data(self, data: bytes) -> None:
        self.send(DATA, struct.pack("!I", len(data)) + data)

    def acknowledge(self, received: int) -> None:
        self.send(ACK, struct.pack("!Q", received))

    def close(self) -> None:
        self.file.close()
        self.socket.close()


class Echo:
    """A port of an instance that sends back what it gets, until it gets nothing more."""

    def __init__(self, address: str) -> None:
        self.listener = socket.create_server((address, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(ConnectionError):
            while data := connection.recv(65536):
                connection.sendall(data)


class Relay(unittest.TestCase):
    fake: Fake
    echo: Echo

    @classmethod
    def setUpClass(cls) -> None:
        cls.fake = cls.enterClassContext(Fake())
        cls.fake.wait(cls.fake.insert("builder"))
        address = cls.fake.get()["networkInterfaces"][0]["networkIP"]
        cls.echo = Echo(address)
        cls.addClassCleanup(cls.echo.listener.close)

    def setUp(self) -> None:
        self.expected: list[str] = []
        self.before = len(self.fake.control("violations"))
        self.fake.control("settings", {"iap_cut_after_bytes": None, "iap_cuts": 1, "iap_remembers": True})

    def tearDown(self) -> None:
        self.assertEqual(self.fake.control("violations")[self.before :], self.expected)

    def connect(self, instance: str = "builder", port: int | None = None, **headers: str) -> Client:
        query = {"project": PROJECT, "zone": ZONE, "instance": instance, "interface": "nic0"}
        query |= {"port": str(port or self.echo.port), "newWebsocket": "True"}
        client = Client(self.fake.url, "connect", query, **headers)
        self.addCleanup(client.close)
        return client

    def reconnect(self, name: str, received: int) -> Client:
        query = {"sid": name, "ack": received, "zone": ZONE, "newWebsocket": "True"}
        client = Client(self.fake.url, "reconnect", query)
        self.addCleanup(client.close)
        return client

    def session(self, client: Client) -> str:
        tag, rest = client.receive()
        self.assertEqual((tag, int.from_bytes(rest[:4], "big")), (SUCCESS_SID, len(rest) - 4))
        return rest[4:].decode()

    def read(self, client: Client, length: int) -> bytes:
        data = b""
        while len(data) < length:
            tag, rest = client.receive()
            if tag == DATA:
                self.assertLessEqual(len(rest) - 4, 16384)
                data += rest[4:]
        return data

    def closed(self, client: Client) -> int | None:
        """With which code the relay closes, or None when the connection is just lost."""
        with self.assertRaises(Lost) as caught:
            while True:
                client.receive()
        return caught.exception.code

    def test_the_banner_of_an_instances_sshd(self) -> None:
        client = self.connect(port=22)
        self.session(client)
        self.assertTrue(self.read(client, 8).startswith(b"SSH-2.0-"))
        client.websocket_frame(8, struct.pack("!H", 1000))
        self.assertEqual(self.closed(client), 1000)

    def test_much_goes_through_when_both_acknowledge(self) -> None:
        client = self.connect()
        self.session(client)
        sent = os.urandom(1 << 20)
        received, acknowledged = b"", 0
        for place in range(0, len(sent), 16384):
            client.data(sent[place : place + 16384])
            while len(received) < place + 16384:
                tag, rest = client.receive()
                if tag == ACK:
                    acknowledged = int.from_bytes(rest, "big")
                else:
                    received += rest[4:]
                    client.acknowledge(len(received))
        self.assertEqual(received, sent)
        self.assertGreaterEqual(acknowledged, len(sent) - 3 * 16384)

    def test_a_client_that_never_acknowledges_gets_no_more(self) -> None:
        client = self.connect()
        self.session(client)
        for _ in range(24):
            client.data(bytes(16384))
        self.assertEqual(len(self.read(client, 16 * 16384)), 16 * 16384)
        client.socket.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            self.read(client, 16384)

    def test_a_connection_that_is_lost_and_goes_on(self) -> None:
        self.fake.control("settings", {"iap_cut_after_bytes": 1000})
        client = self.connect()
        name = self.session(client)
        sent = os.urandom(5000)
        client.data(sent)
        received = self.read(client, 1000)
        self.assertIsNone(self.closed(client))
        self.assertEqual(received, sent[:1000])
        # The client remembers less than it was sent: the rest comes again.
        client = self.reconnect(name, 900)
        self.assertEqual(client.receive(), (SUCCESS_ACK, struct.pack("!Q", 5000)))
        self.assertEqual(self.read(client, 4100), sent[900:])
        client.data(b"more")
        self.assertEqual(self.read(client, 4), b"more")

    def test_a_reconnect_before_the_relay_knows_of_the_loss(self) -> None:
        before = self.connect()
        name = self.session(before)
        before.data(b"one")
        self.read(before, 3)
        after = self.reconnect(name, 3)
        self.assertEqual(after.receive(), (SUCCESS_ACK, struct.pack("!Q", 3)))
        self.assertIsNone(self.closed(before))
        after.data(b"two")
        self.assertEqual(self.read(after, 3), b"two")

    def test_a_session_that_the_relay_has_forgotten(self) -> None:
        self.fake.control("settings", {"iap_cut_after_bytes": 10, "iap_remembers": False})
        client = self.connect()
        name = self.session(client)
        client.data(bytes(20))
        self.assertIsNone(self.closed(client))
        self.assertEqual(self.closed(self.reconnect(name, 10)), 4001)
        self.assertEqual(self.closed(self.reconnect("none", 0)), 4001)

    def test_a_reconnect_before_what_was_acknowledged(self) -> None:
        client = self.connect()
        name = self.session(client)
        client.data(bytes(100))
        self.read(client, 100)
        client.acknowledge(100)
        client.data(b"x")
        self.read(client, 1)
        self.assertEqual(self.closed(self.reconnect(name, 50)), 4074)

    def test_nothing_listens(self) -> None:
        self.assertEqual(self.closed(self.connect(port=1)), 4003)

    def test_no_such_instance(self) -> None:
        self.assertEqual(self.closed(self.connect(instance="nobody")), 4047)

    def test_an_instance_that_does_not_run(self) -> None:
        self.fake.wait(self.fake.insert("stopped"))
        names = {"project": PROJECT, "zone": ZONE, "instance": "stopped"}
        self.fake.wait(self.fake.compute.instances().stop(**names).execute())
        self.assertEqual(self.closed(self.connect(instance="stopped")), 4047)

    def test_a_wrong_token(self) -> None:
        self.assertEqual(self.closed(self.connect(Authorization="Bearer stolen")), 4033)
        self.expected = ["a request with a token that nobody gave out"]

    def test_what_is_no_handshake(self) -> None:
        self.assertEqual(self.connect(Origin="https://example.com").status, 400)
        self.assertEqual(self.connect(Sec_WebSocket_Protocol="other").status, 400)
        self.expected = [
            "iap.connect: `Origin` is not `bot:iap-tunneler`",
            "iap.connect: `Sec-WebSocket-Protocol` does not offer `relay.tunnel.cloudproxy.app`",
        ]

    def test_frames_that_the_protocol_does_not_know(self) -> None:
        for tag, rest, code in ((DATA, bytes(5), 4013), (ACK, struct.pack("!Q", 1), 4006), (9, b"", 4008)):
            client = self.connect()
            self.session(client)
            client.send(tag, rest)
            self.assertEqual(self.closed(client), code)
        self.expected = [
            "iap.connect: a frame announces 0 bytes and has 1",
            "iap.connect: 1 bytes are acknowledged, where 0 to 0 can be",
            "iap.connect: there is no frame with tag 9 and 2 bytes",
        ]

    def test_the_instance_ends_the_connection(self) -> None:
        client = self.connect(port=22)
        self.session(client)
        client.data(b"no ssh\r\n")
        self.assertEqual(self.closed(client), 1000)


if __name__ == "__main__":
    unittest.main()
