#!/usr/bin/env python3
"""What scan.py must find, and what not."""

import base64
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scan  # noqa: E402  (needs the path above)

TEXTS = ["13812345678", "canary.wang@example.com", "金丝雀路一号"]


class Scan(unittest.TestCase):
    def setUp(self):
        self.needles = scan.Needles(TEXTS)

    def test_every_form_is_found_wherever_it_begins(self):
        for text in TEXTS:
            clear = text.encode()
            for before in range(4):
                for after in range(4):
                    whole = b"x" * before + clear + b"y" * after
                    for form in (whole, base64.b64encode(whole), base64.urlsafe_b64encode(whole),
                                 whole.hex().encode(), whole.hex().upper().encode()):
                        self.assertGreaterEqual(self.needles.count(form), len(clear), form)
            for code in ("utf-16-le", "utf-16-be"):
                self.assertGreaterEqual(self.needles.count(b"x" + text.encode(code) + b"y"), len(clear))

    def test_each_place_counts_once(self):
        self.assertEqual(self.needles.count(b"a13812345678b13812345678"), 22)

    def test_other_texts_are_not_found(self):
        for data in (b"", b"13812345679", b"canary.wang", base64.b64encode(b"nothing planted here"),
                     bytes(range(256)) * 50):
            self.assertEqual(self.needles.count(data), 0, data)

    def test_a_text_across_two_chunks_of_a_file_is_found_once(self):
        with tempfile.TemporaryDirectory() as folder:
            for cut in range(12):
                path = pathlib.Path(folder) / f"f{cut}"
                path.write_bytes(b"\0" * (scan.CHUNK - cut) + TEXTS[0].encode() + b"\0" * 100)
                self.assertEqual(self.needles.in_file(path), 11, cut)
                path.unlink()
            (pathlib.Path(folder) / "deep").mkdir()
            (pathlib.Path(folder) / "deep/f").write_bytes(TEXTS[0].encode())
            self.assertEqual(list(self.needles.in_folder(folder).values()), [11])


if __name__ == "__main__":
    unittest.main()
