"""The server's side of a websocket (RFC 6455), as far as the relay of IAP needs it: binary messages, pings, a close."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler

ACCEPT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
# More than any message that a client of the relay may send.
LONGEST = 1 << 20


class Closed(Exception):
    """The connection has ended; `said` when the other side said that it would."""

    def __init__(self, said: bool = False) -> None:
        super().__init__()
        self.said = said


class Broken(Exception):
    """What came is against RFC 6455."""


class Websocket:
    """A connection that was an HTTP request: `handler` is not to be used otherwise from now on."""

    def __init__(self, handler: BaseHTTPRequestHandler, subprotocol: str) -> None:
        self._handler, self._lock = handler, threading.Lock()
        key = handler.headers["Sec-WebSocket-Key"]
        accept = base64.b64encode(hashlib.sha1((key + ACCEPT).encode()).digest()).decode()
        handler.send_response(101)
        for name, value in {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Accept": accept,
            "Sec-WebSocket-Protocol": subprotocol,
        }.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.flush()

    @staticmethod
    def mistake(handler: BaseHTTPRequestHandler, subprotocol: str) -> str | None:
        """Why a request is no handshake for this subprotocol."""
        headers = handler.headers
        offered = [name.strip() for name in headers.get("Sec-WebSocket-Protocol", "").split(",")]
        try:
            nonce = len(base64.b64decode(headers.get("Sec-WebSocket-Key", ""), validate=True))
        except ValueError:
            nonce = 0
        for wrong, text in (
            (headers.get("Upgrade", "").lower() != "websocket", "`Upgrade` is not `websocket`"),
            ("upgrade" not in headers.get("Connection", "").lower(), "`Connection` is not `Upgrade`"),
            (headers.get("Sec-WebSocket-Version") != "13", "`Sec-WebSocket-Version` is not 13"),
            (nonce != 16, "`Sec-WebSocket-Key` is not 16 bytes in base64"),
            (subprotocol not in offered, f"`Sec-WebSocket-Protocol` does not offer `{subprotocol}`"),
        ):
            if wrong:
                return text
        return None

    def receive(self) -> bytes:
        """The next binary message. Pings are answered meanwhile."""
        message: bytes | None = None
        while True:
            final, opcode, data = self._frame()
            if opcode == PING:
                self._send(PONG, data)
            elif opcode == CLOSE:
                self.close(1000)
                raise Closed(said=True)
            elif opcode in (BINARY, CONTINUATION):
                if (opcode == CONTINUATION) != (message is not None):
                    raise Broken("a message begins within another, or goes on that never began")
                message = (message or b"") + data
                if final:
                    return message
            elif opcode != PONG:
                raise Broken(f"a frame has opcode {opcode}")

    def _frame(self) -> tuple[bool, int, bytes]:
        first, second = self._read(2)
        if first & 0x70:
            raise Broken("a frame has reserved bits")
        if not second & 0x80:
            raise Broken("a client's frame is not masked")
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._read(8))
        if length > LONGEST:
            raise Broken(f"a frame has {length} bytes")
        mask, data = self._read(4), self._read(length)
        pad = (mask * (length // 4 + 1))[:length]
        plain = (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(length, "big")
        return bool(first & 0x80), first & 0x0F, plain

    def _read(self, length: int) -> bytes:
        try:
            data = self._handler.rfile.read(length)
        except OSError:
            data = b""
        if len(data) < length:
            raise Closed
        return data

    def send(self, message: bytes) -> None:
        """Sends a binary message; any thread may."""
        self._send(BINARY, message)

    def _send(self, opcode: int, data: bytes) -> None:
        length = len(data)
        if length < 126:
            head = struct.pack("!BB", 0x80 | opcode, length)
        elif length < 1 << 16:
            head = struct.pack("!BBH", 0x80 | opcode, 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 127, length)
        with self._lock:
            try:
                self._handler.connection.sendall(head + data)
            except OSError as error:
                raise Closed from error

    def close(self, code: int, reason: str = "") -> None:
        """Says why, and ends the connection."""
        try:
            self._send(CLOSE, struct.pack("!H", code) + reason.encode())
        except Closed:
            pass
        self.cut()

    def cut(self) -> None:
        """Ends the connection without a word. What was sent still arrives."""
        try:
            self._handler.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
