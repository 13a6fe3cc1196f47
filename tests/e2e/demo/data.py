"""CDNOW: 69,659 purchases of 23,570 customers of a CD shop, 1997-01-01 to 1998-06-30.

The file comes with the PyPI package Lifetimes 0.11.3. Its first line is a header; the number of a line
in the file is the order's native id, since equal lines are separate purchases. A purchase's time is
its date at 00:00:00 UTC. Money is read from the decimal text; no floating point.
"""

import calendar
import collections
import datetime
import pathlib
import subprocess
import sys
import zipfile

PACKAGE = "Lifetimes==0.11.3"
MEMBER_FILE = "lifetimes/datasets/CDNOW_master.txt"
PURCHASES = 69_659
CUSTOMERS = 23_570

Purchase = collections.namedtuple("Purchase", "line customer time_s units cents")


class DataError(RuntimeError):
    pass


def fetch(cache):
    """The text of the file; downloaded once into `cache`."""
    folder = pathlib.Path(cache) / "cdnow"
    path = folder / "CDNOW_master.txt"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # Registries have bad moments: three tries.
        for attempt in range(3):
            done = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps",
                                   "--only-binary", ":all:", "--disable-pip-version-check",
                                   "-d", str(folder), PACKAGE],
                                  capture_output=True, text=True, check=False)
            if done.returncode == 0:
                break
            if attempt == 2:
                raise DataError(f"{PACKAGE} could not be downloaded:\n{done.stderr}")
        wheels = sorted(folder.glob("[Ll]ifetimes-0.11.3-*.whl"))
        if not wheels:
            raise DataError(f"{PACKAGE} has no wheel in {folder}")
        with zipfile.ZipFile(wheels[0]) as wheel:
            staged = path.with_suffix(".new")
            staged.write_bytes(wheel.read(MEMBER_FILE))
            staged.rename(path)
    return path.read_text(encoding="ascii")


def cents_of(text):
    """'11.77' -> 1177; refuses anything that is not a plain amount with at most two decimals."""
    units, _, part = text.partition(".")
    if not units.isdigit() or len(part) > 2 or (part and not part.isdigit()):
        raise DataError(f"not an amount: {text!r}")
    return int(units) * 100 + int(part.ljust(2, "0") or "0")


def time_of(text):
    """'19970101' -> seconds since the Unix epoch of that midnight, UTC."""
    day = datetime.datetime.strptime(text, "%Y%m%d")
    return calendar.timegm(day.timetuple())


def read(text):
    """All purchases in order of time, then line."""
    times = {}
    purchases = []
    lines = text.splitlines()
    for number, line in enumerate(lines[1:], start=2):
        customer, date, units, amount = line.split()
        if date not in times:
            times[date] = time_of(date)
        purchases.append(Purchase(number, customer, times[date], int(units), cents_of(amount)))
    if len(purchases) != PURCHASES or len({p.customer for p in purchases}) != CUSTOMERS:
        raise DataError("the file is not the one this demo knows")
    return sorted(purchases, key=lambda p: (p.time_s, p.line))
