"""Looks for planted texts in bytes, files, Kafka, Redis: as they are, in base64, hex and UTF-16.

    needles = Needles(["13800138000", "ann@canary.example"])
    needles.count(b"...")              # readable bytes of planted texts in these bytes
    needles.in_folder(path)            # {file: bytes}, every file below the folder

A text in base64 looks different at each of the three places it can begin at inside a longer text; all
three are looked for, without the characters at both ends that depend on what stands beside it. Case is
ignored for hex. Thread-safety: immutable.
"""

import base64
import os
import pathlib

CHUNK = 8 << 20


class Needles:
    def __init__(self, texts):
        self.forms = {}  # bytes to look for -> bytes of the planted text that it shows
        for text in texts:
            clear = text.encode()
            for form in forms_of(text):
                self.forms[form] = len(clear)
        self.longest = max(len(form) for form in self.forms)

    @classmethod
    def of_bytes(cls, needles):
        """Looks for these bytes only, as they are."""
        made = cls.__new__(cls)
        made.forms = {bytes(needle): len(needle) for needle in needles}
        made.longest = max(len(form) for form in made.forms)
        return made

    def count(self, data):
        lowered = data.lower()
        total = 0
        for form, size in self.forms.items():
            # Hex digits may be in capitals; a planted text is looked for as it is.
            where = lowered if is_hex(form) else data
            total += size * where.count(form)
        return total

    def in_folder(self, folder):
        found = {}
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.is_file():
                total = self.in_file(path)
                if total:
                    found[str(path)] = total
        return found

    def in_file(self, path):
        total, tail = 0, b""
        try:
            with open(path, "rb") as file:
                for begin, end in extents(file):
                    file.seek(begin)
                    tail = b""
                    while begin < end and (chunk := file.read(min(CHUNK, end - begin))):
                        begin += len(chunk)
                        data = tail + chunk
                        # What lies whole in the tail was counted with the chunk before.
                        total += self.count(data) - self.count(tail)
                        tail = data[-(self.longest - 1):] if self.longest > 1 else b""
        except FileNotFoundError:  # a server removed it meanwhile
            return total
        return total


def extents(file):
    """[(begin, end)] of what was ever written: a broker's indexes are holes for the most part."""
    size, at = os.fstat(file.fileno()).st_size, 0
    while at < size:
        try:
            begin = os.lseek(file.fileno(), at, os.SEEK_DATA)
        except OSError:  # only a hole is left
            return
        at = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
        yield begin, at


def forms_of(text):
    clear = text.encode()
    yield clear
    yield clear.hex().encode()
    yield text.encode("utf-16-le")
    yield text.encode("utf-16-be")
    for pad in range(3):
        coded = base64.b64encode(b"\0" * pad + clear)
        # Of the first and the last group only what this text alone decides.
        begin = (0, 2, 3)[pad]
        end = len(coded) - (0, 3, 2)[(pad + len(clear)) % 3]
        yield coded[begin:end]
        yield coded[begin:end].translate(bytes.maketrans(b"+/", b"-_"))


def is_hex(form):
    return len(form) % 2 == 0 and len(form) >= 16 and all(c in b"0123456789abcdef" for c in form)
