"""A session of IAP's relay: the bytes of a connection to an instance, in frames, and those kept for a reconnect.

Each binary message of the websocket is one frame, its numbers big-endian: a tag of 16 bits, then

    1 CONNECT_SUCCESS_SID     length (32 bits) and the session's name; the relay's first frame
    2 RECONNECT_SUCCESS_ACK   how many bytes the relay has received in all (64 bits); its first after a reconnect
    4 DATA                    length (32 bits), and at most 16,384 bytes
    7 ACK                     how many bytes were received in all (64 bits), due when more than 32,768 are not acknowledged
"""

from __future__ import annotations

import socket
import struct
import threading
import uuid
from enum import IntEnum

from websocket import Closed, Websocket
from world import World

SUCCESS_SID, SUCCESS_ACK, DATA, ACK = 1, 2, 4, 7
LONGEST = 16384
# How much may be under way without being acknowledged. The real limit is not known, and without one nobody would notice
# a client that never acknowledges.
WINDOW = 16 * LONGEST


class Code(IntEnum):
    """Why the relay closes a websocket."""

    NORMAL = 1000
    SESSION_UNKNOWN = 4001
    FAILED_TO_CONNECT = 4003
    INVALID_ACK = 4006
    INVALID_TAG = 4008
    INVALID_DATA = 4013
    NOT_AUTHORIZED = 4033
    LOOKUP_FAILED = 4047
    FAILED_TO_REWIND = 4074


class Refusal(Exception):
    """The websocket is to be closed with this code."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Session:
    """A connection to an instance. It outlives the websockets that bring its bytes to the client, if they are lost."""

    def __init__(self, world: World, instance: socket.socket) -> None:
        self.world, self.instance, self.name = world, instance, uuid.uuid4().hex
        self.changed = threading.Condition()
        # How many bytes came from the client, and of how many it knows that they did.
        self.received = self.acknowledged = 0
        # What the client has not acknowledged, and where in all that was sent this begins.
        self.pending, self.begin = bytearray(), 0
        self.ended = False
        # What brings the bytes now, and whether frames of it, or still of the one before, are being taken.
        self.websocket: Websocket | None = None
        self.taking = False
        threading.Thread(target=self._read, daemon=True).start()

    def open(self, websocket: Websocket) -> None:
        """Relays from the start, until either side ends it or the websocket is lost."""
        name = self.name.encode()
        websocket.send(struct.pack("!HI", SUCCESS_SID, len(name)) + name)
        self._serve(websocket, 0)

    def resume(self, websocket: Websocket, position: int) -> None:
        """Goes on by another websocket, with a client that has received so many bytes."""
        self._drop()
        self._forget(position, Code.FAILED_TO_REWIND)
        self.acknowledged = self.received
        websocket.send(struct.pack("!HQ", SUCCESS_ACK, self.received))
        self._serve(websocket, position)

    def close(self) -> None:
        """Ends the connection to the instance."""
        with self.changed:
            self.ended = True
            self.changed.notify_all()
        try:
            self.instance.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The instance was faster.
        self.instance.close()

    def _read(self) -> None:
        """From the instance, as long as the client keeps up."""
        while not self.ended:
            with self.changed:
                self.changed.wait_for(lambda: len(self.pending) < WINDOW or self.ended)
            try:
                data = self.instance.recv(LONGEST)
            except OSError:
                data = b""
            with self.changed:
                self.pending += data
                self.ended = self.ended or not data
                self.changed.notify_all()

    def _drop(self) -> None:
        """Ends the websocket before, of which the client knew sooner than we that it is lost."""
        with self.changed:
            before, self.websocket = self.websocket, None
            self.changed.notify_all()
        if before:
            before.cut()
        with self.changed:
            # What it still brought counts as received.
            self.changed.wait_for(lambda: not self.taking, 5)

    def _serve(self, websocket: Websocket, position: int) -> None:
        with self.changed:
            self.websocket, self.taking = websocket, True
        threading.Thread(target=self._write, args=(websocket, position), daemon=True).start()
        lost = False
        try:
            while True:
                self._take(websocket, websocket.receive())
        except Closed as closed:
            lost = not closed.said
        finally:
            with self.changed:
                replaced = self.websocket is not websocket
                self.websocket, self.taking = self.websocket if replaced else None, False
                self.changed.notify_all()
            if not replaced and not (lost and not self.ended):
                self.close()

    def _write(self, websocket: Websocket, position: int) -> None:
        """What the client has not got, up to where the settings cut the connection."""
        settings = self.world.settings
        limit = settings["iap_cut_after_bytes"] if settings["iap_cuts"] > 0 else None
        end = None if limit is None else position + limit
        try:
            while (data := self._next(websocket, position)) is not None:
                if not data:
                    return websocket.close(Code.NORMAL)
                data = data if end is None else data[: end - position]
                websocket.send(struct.pack("!HI", DATA, len(data)) + data)
                position += len(data)
                if position == end:
                    settings["iap_cuts"] -= 1
                    return websocket.cut()
        except Closed:
            pass

    def _next(self, websocket: Websocket, position: int) -> bytes | None:
        """The bytes from this place on, once there are some; none at the end; None when another websocket took over."""
        with self.changed:
            self.changed.wait_for(
                lambda: self.websocket is not websocket or self.ended or position < self.begin + len(self.pending)
            )
            return bytes(self.pending[position - self.begin :][:LONGEST]) if self.websocket is websocket else None

    def _take(self, websocket: Websocket, message: bytes) -> None:
        """One frame of the client's."""
        tag, rest = int.from_bytes(message[:2], "big"), message[2:]
        if tag == DATA:
            length, data = int.from_bytes(rest[:4], "big"), rest[4:]
            if not 0 < length <= LONGEST or length != len(data):
                raise Refusal(Code.INVALID_DATA, f"a frame announces {length} bytes and has {len(data)}")
            self.received += length
            try:
                self.instance.sendall(data)
            except OSError:
                return  # Who reads from the instance sees its end, too.
            if self.received - self.acknowledged > 2 * LONGEST:
                self.acknowledged = self.received
                websocket.send(struct.pack("!HQ", ACK, self.received))
        elif tag == ACK and len(rest) == 8:
            self._forget(int.from_bytes(rest, "big"), Code.INVALID_ACK)
        else:
            raise Refusal(Code.INVALID_TAG, f"there is no frame with tag {tag} and {len(message)} bytes")

    def _forget(self, position: int, code: Code) -> None:
        """The client has all up to there."""
        with self.changed:
            sent = self.begin + len(self.pending)
            if not self.begin <= position <= sent:
                raise Refusal(code, f"{position} bytes are acknowledged, where {self.begin} to {sent} can be")
            del self.pending[: position - self.begin]
            self.begin = position
            self.changed.notify_all()
