"""Spoiled touches: one function per row of docs/bad-inputs.md, section "Content of a touch"."""

import time

from google.protobuf import timestamp_pb2

SOURCE = "till:shop7"


def good(native_id="n1"):
    from regulars.ingest.v1 import ingest_service_pb2, touch_pb2
    from regulars.types.v1 import identifier_pb2
    order = touch_pb2.OrderPaid(order_id="A1", amount_minor=1234, currency_code="CNY",
                                lines=[touch_pb2.OrderLine(sku="oolong", quantity=1)])
    return ingest_service_pb2.TouchInput(
        source=SOURCE, native_id=native_id, channel="store",
        occur_time=timestamp_pb2.Timestamp(seconds=1_700_000_000),
        identifiers=[identifier_pb2.ClearIdentifier(type="card", value="card-of-ann")],
        body=touch_pb2.TouchBody(order_paid=order))


def _set(path, value):
    def spoil(touch):
        *parents, field = path.split(".")
        for name in parents:
            touch = touch[int(name)] if name.isdigit() else getattr(touch, name)
        if value is None:
            touch.ClearField(field)
        else:
            setattr(touch, field, value)
    return spoil


def _too_big(touch):
    touch.text = "x" * 65_537
    touch.text = "x" * (2 * 65_537 - touch.ByteSize())


def _future(touch):
    touch.occur_time.FromMicroseconds(int((time.time() + 310) * 1e6))


def _many_identifiers(touch):
    touch.identifiers.extend(touch.identifiers[0] for _ in range(64))


def _name(touch, kind, value, scope=""):
    identifier = touch.identifiers.add()
    identifier.type, identifier.value, identifier.scope = kind, value, scope


def _only(kind, value, scope=""):
    def spoil(touch):
        touch.ClearField("identifiers")
        _name(touch, kind, value, scope)
    return spoil


def _all_blocked(touch):
    touch.identifiers[0].value = "0000"
    _name(touch, "phone", "138****8000")
    _name(touch, "email", "test@test.com")


def _identifiers(count, empty=False):
    def spoil(touch):
        while len(touch.identifiers) < count:
            identifier = touch.identifiers.add()
            if not empty:
                identifier.CopyFrom(touch.identifiers[0])
    return spoil


def _beside_good(touch):
    _name(touch, "phone", "138****8000")
    _name(touch, "email", "null")
    _name(touch, "cookie", "undefined")


def _cookies(touch):
    for number in range(63):
        _name(touch, "cookie", f"c{number}")


def _refund(**fields):
    def spoil(touch):
        values = {"order_id": "A1", "refund_id": "R1", "amount_minor": 1, "currency_code": "CNY"}
        values.update(fields)
        for name, value in values.items():
            setattr(touch.body.order_refunded, name, value)
    return spoil


def _code(**fields):
    def spoil(touch):
        touch.body.code_scanned.SetInParent()
        for name, value in fields.items():
            setattr(touch.body.code_scanned, name, value)
    return spoil


def _lines(touch):
    lines = touch.body.order_paid.lines
    lines.extend(lines[0] for _ in range(500))


def _serials(quantity, count):
    def spoil(touch):
        line = touch.body.order_paid.lines[0]
        line.quantity = quantity
        line.unit_serials.extend("s" for _ in range(count))
    return spoil


def _address(touch):
    touch.contact.address_lines.extend("x" for _ in range(9))


ORDER, LINE, CARD = "body.order_paid", "body.order_paid.lines.0", "identifiers.0"
ROWS = {
    "touch-empty": lambda touch: touch.Clear(),
    "touch-too-big": _too_big,
    "source-missing": _set("source", None),
    "source-too-long": _set("source", "x" * 65),
    "source-control": _set("source", "a\nb"),
    "native-id-missing": _set("native_id", None),
    "native-id-too-long": _set("native_id", "x" * 257),
    "time-missing": _set("occur_time", None),
    "time-invalid": _set("occur_time.nanos", 2_000_000_000),
    "time-year-10000": _set("occur_time.seconds", 253_402_300_800),
    "time-ancient": lambda touch: touch.occur_time.FromMicroseconds(-1),
    "time-future": _future,
    "channel-missing": _set("channel", None),
    "channel-too-long": _set("channel", "x" * 33),
    "identifiers-missing": _set("identifiers", None),
    "identifiers-only-objects": _set(f"{CARD}.type", "order"),
    "identifiers-too-many": _many_identifiers,
    "identifiers-10000": _identifiers(10_000),
    "identifiers-10000-empty": _identifiers(10_000, empty=True),
    "identifiers-all-blocked": _all_blocked,
    "identifier-zeros": _set(f"{CARD}.value", "0000"),
    "identifier-null": _set(f"{CARD}.value", "null"),
    "identifier-null-hidden": _set(f"{CARD}.value", "\u202e NU\u200bLL"),
    "identifier-masked": _only("phone", "138****8000"),
    "identifier-relay-number": _only("phone", "18877771111-123"),
    "identifier-hotline": _only("phone", "400-820-8820"),
    "identifier-ciphertext": _only(
        "phone", "d9F2aQ/kZ0mXr7Yw3tB1uVc8LpHsN6eGjI4oKxT5yRzAqWbCdEfGhJkLmNpQrStUvWxYz+8="),
    "identifier-placeholder-phone": _only("phone", "13800138000"),
    "identifier-1mb": _set(f"{CARD}.value", "x" * 1_000_000),
    "identifier-phone-short": _only("phone", "1391234567"),
    "identifier-email-malformed": _only("email", "ann@localhost"),
    "identifier-openid-short": _only("openid", "o6_bmjrPTlm6_2sgVt7hMZOPfL2", "wx:app7"),
    "identifier-scope-missing": _only("openid", "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"),
    "identifier-line-break": _set(f"{CARD}.value", "a\n"),
    "identifier-invisible": _set(f"{CARD}.value", "\u200b\u200f\u202e"),
    "identifier-empty": _set(f"{CARD}.value", "  "),
    "identifier-too-long": _set(f"{CARD}.value", "x" * 321),
    "identifier-control": _set(f"{CARD}.value", "a\0b"),
    "identifier-type-malformed": _set(f"{CARD}.type", "Phone!"),
    "identifier-scope-too-long": _set(f"{CARD}.scope", "x" * 65),
    "identifier-proof-missing": _set(f"{CARD}.verified", True),
    "identifier-type-unknown": _set(f"{CARD}.type", "horoscope"),
    "body-missing": _set("body", None),
    "order-id-missing": _set(f"{ORDER}.order_id", None),
    "order-id-too-long": _set(f"{ORDER}.order_id", "x" * 257),
    "order-scope-too-long": _set(f"{ORDER}.order_scope", "x" * 65),
    "refund-id-missing": _refund(refund_id=""),
    "code-missing": _code(),
    "code-hmac-forged": _code(code="c", code_hmac=b"x" * 32),
    "amount-negative": _set(f"{ORDER}.amount_minor", -1),
    "refund-negative": _refund(amount_minor=-1),
    "amount-too-large": _set(f"{ORDER}.amount_minor", 10**12 + 1),
    "unit-price-negative": _set(f"{LINE}.unit_price_minor", -1),
    "currency-unknown": _set(f"{ORDER}.currency_code", "ABC"),
    "currency-lower-case": _set(f"{ORDER}.currency_code", "cny"),
    "currency-missing": _set(f"{ORDER}.currency_code", None),
    "lines-too-many": _lines,
    "quantity-zero": _set(f"{LINE}.quantity", 0),
    "quantity-too-large": _set(f"{LINE}.quantity", 1_000_001),
    "serials-above-quantity": _serials(1, 2),
    "serials-too-many": _serials(1000, 101),
    "cart-without-article": _set("body.carted.quantity", 1),
    "stars-six": _set("body.review.stars", 6),
    "dwell-negative": _set("body.viewed.dwell_ms", -1),
    "sku-too-long": _set(f"{LINE}.sku", "x" * 129),
    "place-too-long": _set("body.visit.place", "x" * 257),
    "shop-too-long": _set("shop", "x" * 64),
    "search-term-too-long": _set("attribution.search_term", "x" * 257),
    "contact-address-too-long": _address,
    "text-too-long": _set("text", "x" * 4097),
    "place-control": _set("body.visit.place", "a\x1b[31m"),
}

# Section "Looks bad and is taken".
TAKEN = {
    "taken-unverified": lambda touch: _name(touch, "phone", "139 1234 5670"),
    "taken-blocked-beside-good": _beside_good,
    "taken-full-width": _only("phone", "１３９　１２３４　５６７０"),
    "taken-64-identifiers": _cookies,
}
