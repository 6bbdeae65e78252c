"""Puts a disk into Cloud Storage as a tar.gz with one member, `disk.raw`: python3 worker.py SETTINGS

SETTINGS is a JSON file: `device`, the path of the disk; `sessions`, the addresses of resumable uploads that have begun, each
of which gets the whole; `patience`, for how many seconds an upload may make no progress. Needs no more than Python's
own library and no credentials: the addresses are all that is secret.

Prints `progress BYTES TOTAL` as the disk is read, and `uploaded BYTES` in the end. Exits with 75 where the network or Google's
servers were in the way and the same may work later, with 1 after any other failure; the reason stands on its error stream.
"""

import base64
import collections
import concurrent.futures
import hashlib
import http.client
import json
import os
import ssl
import sys
import tarfile
import time
import urllib.parse
import zlib

TRY_AGAIN = 75

# How much is compressed at once. Each block ends at a byte, as pigz does it, so that all processors work on one stream.
BLOCK = 1 << 20
# How much is sent at once: Google wants multiples of 256 KiB. It is kept until Google has it.
PART = 16 << 20
# Disks are mostly free space and text: more than this takes longer than the upload.
LEVEL = 3
# tar pads archives to multiples of this.
RECORD = 10240
# How long the device of a disk may take to appear, and one exchange with the server.
DEVICE_SECONDS = 60
EXCHANGE_SECONDS = 120
PROGRESS_SECONDS = 2


class Refused(Exception):
    """It will not work, however often it is tried."""


class Unreachable(Exception):
    """It may work later."""


class Upload:
    """A resumable upload: takes parts in order and keeps what the server does not have yet."""

    def __init__(self, address, patience):
        self.address = urllib.parse.urlsplit(address)
        self.patience = patience
        self.connection = None
        self.done = 0
        self.object = None

    def send(self, part, is_last):
        """Sends what follows; returns when the server has all of it."""
        start, end = self.done, self.done + len(part)
        total = str(end) if is_last else "*"
        since, pause, is_sure = time.monotonic(), 0.5, True
        while self.done < end or (is_last and self.object is None):
            before, failure = self.done, None
            try:
                if is_sure:
                    rest = part[self.done - start :]
                    reach = f"{self.done}-{end - 1}" if rest else "*"
                    self.put(rest, f"bytes {reach}/{total}", start, end)
                    failure = "the server takes no more bytes"
                else:
                    # After a lost connection nobody knows how much has arrived but the server.
                    self.put(b"", f"bytes */{total}", start, end)
                    is_sure = True
            except (OSError, http.client.HTTPException) as error:
                self.close()
                is_sure, failure = False, f"the connection was lost: {error or type(error).__name__}"
            except Unreachable as error:
                is_sure, failure = False, str(error)
            if self.done > before:
                since, pause = time.monotonic(), 0.5
            elif failure and self.object is None:
                if time.monotonic() - since > self.patience:
                    raise Unreachable(f"no progress within {self.patience} s: {failure}")
                time.sleep(pause)
                pause = min(pause * 2, 30)

    def put(self, content, content_range, start, end):
        """One exchange; notes what the server has then, or the object that has come to be."""
        if self.connection is None:
            self.connection = self.connect()
        path = self.address.path + ("?" + self.address.query if self.address.query else "")
        headers = {"Content-Range": content_range, "Content-Length": str(len(content))}
        self.connection.request("PUT", path, body=content, headers=headers)
        response = self.connection.getresponse()
        answer = response.read()
        if response.status in (200, 201):
            self.object, self.done = json.loads(answer or b"{}"), end
        elif response.status == 308:
            has = response.getheader("Range")
            done = int(has.rsplit("-", 1)[1]) + 1 if has else 0
            if not start <= done <= end:
                raise Refused(f"the server has {done} bytes, which are not between {start} and {end}")
            self.done = done
        elif response.status in (408, 429) or response.status >= 500:
            raise Unreachable(f"the server answered {response.status} {response.reason}")
        else:
            words = " ".join(answer.decode("utf-8", "replace").split())[:300]
            raise Refused(f"the server answered {response.status} {response.reason}: {words}")

    def connect(self):
        if self.address.scheme == "http":
            return http.client.HTTPConnection(self.address.netloc, timeout=EXCHANGE_SECONDS)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(self.address.netloc, timeout=EXCHANGE_SECONDS, context=context)

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def check(self, size, digest):
        """Holds the object against what was sent, as far as the server tells."""
        stored = (int(self.object.get("size", size)), self.object.get("md5Hash", digest))
        if stored != (size, digest):
            raise Refused(f"the object is not what was sent: {stored} in place of {(size, digest)}")


def await_device(path):
    """Returns when the disk is there: it may have been attached just now."""
    deadline = time.monotonic() + DEVICE_SECONDS
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            raise Refused(f"there is no {path}")
        time.sleep(0.2)


def opened(path):
    """The open disk and its size in bytes."""
    device = open(path, "rb", buffering=0)
    size = device.seek(0, os.SEEK_END)
    device.seek(0)
    if size == 0:
        raise Refused(f"{path} is empty")
    return device, size


def archive(device, size):
    """The tar archive in pieces. Sizes from 8 GiB on are in GNU's own notation, which Google reads."""
    member = tarfile.TarInfo("disk.raw")
    member.size, member.mode = size, 0o644
    header = member.tobuf(tarfile.GNU_FORMAT)
    yield header
    left, reported = size, 0.0
    while left:
        block = device.read(min(BLOCK, left))
        if not block:
            raise Refused(f"the disk ends {left} bytes too early")
        left -= len(block)
        if time.monotonic() - reported >= PROGRESS_SECONDS or not left:
            reported = time.monotonic()
            print("progress", size - left, size, flush=True)
        yield block
    end = -size % 512 + 1024
    yield bytes(end + -(len(header) + size + end) % RECORD)


def deflated(block):
    """A block as a part of a deflate stream that ends at a byte."""
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
    return compressor.compress(block) + compressor.flush(zlib.Z_SYNC_FLUSH)


def gzipped(blocks):
    """One gzip member in pieces, made by all processors."""
    yield b"\x1f\x8b\x08\x00" + bytes(4) + b"\x04\xff"
    checksum = length = 0
    workers = os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        waiting = collections.deque()
        for block in blocks:
            checksum, length = zlib.crc32(block, checksum), length + len(block)
            waiting.append(pool.submit(deflated, block))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    # An empty last block, then what gzip ends with.
    yield b"\x03\x00" + checksum.to_bytes(4, "little") + (length % 2**32).to_bytes(4, "little")


def parts(pieces):
    """Pieces joined to parts, each with whether it is the last one."""
    part = bytearray()
    for piece in pieces:
        part += piece
        while len(part) > PART:
            yield bytes(part[:PART]), False
            del part[:PART]
    yield bytes(part), True


def export(settings):
    device, size = opened(settings["device"])
    uploads = [Upload(address, settings["patience"]) for address in settings["sessions"]]
    digest, sent = hashlib.md5(), 0
    with device:
        for part, is_last in parts(gzipped(archive(device, size))):
            digest.update(part)
            sent += len(part)
            for upload in uploads:
                upload.send(part, is_last)
    for upload in uploads:
        upload.check(sent, base64.b64encode(digest.digest()).decode())
    print("uploaded", sent, flush=True)


def main(path):
    with open(path, encoding="utf-8") as file:
        settings = json.load(file)
    try:
        await_device(settings["device"])
        if not os.access(settings["device"], os.R_OK) and os.geteuid() != 0:
            os.execvp("sudo", ["sudo", "-n", sys.executable, os.path.abspath(__file__), os.path.abspath(path)])
        export(settings)
    except Unreachable as error:
        print(error, file=sys.stderr)
        return TRY_AGAIN
    except (Refused, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
