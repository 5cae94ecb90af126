"""Whatever bytes come: nothing is raised, and only well-formed requests reach the application."""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support.edge import GET, House, post, serving

CHUNKED = (
    b"POST /v1/x HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\nA\r\n, world!\r\n\r\n0\r\n\r\n"
)
TOKEN = frozenset(b"!#$%&'*+-.^`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
TARGET = frozenset(TOKEN | set(b"/?%_():@,;=")) - set(b"#^`|")
HOST = TOKEN | frozenset(b"_:[]")
DIGITS = frozenset(b"0123456789")
HEX = frozenset(b"0123456789abcdefABCDEF")
ONCE = {b"host", b"content-length", b"transfer-encoding"}
INTERESTING = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b":",
    b"_",
    b"0",
    b"-",
    b"+",
    b"\r\n\r\n",
    b"\xff",
    b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: gate\r\n",
    b"GET /smuggled HTTP/1.1\r\nHost: gate\r\n\r\n",
]

Asked = tuple[bytes, bytes, bytes]


def well_formed(data: bytes) -> list[Asked]:
    """Return the requests that stand at the beginning of `data`, by a reading of our own: lines
    split by hand, each judged by sets of bytes, sharing nothing with the edge."""
    asked: list[Asked] = []
    while b"\r\n\r\n" in data:
        head, _, data = data.partition(b"\r\n\r\n")
        line, *lines = head.split(b"\r\n")
        words = line.split(b" ")
        fields = [(f.partition(b":")[0], f.partition(b":")[2].strip(b" \t")) for f in lines]
        names = [name.lower() for name, _ in fields]
        named = dict(zip(names, (value for _, value in fields), strict=True))
        if (
            any((byte < 32 and byte != 9) or byte == 127 for byte in b"".join([line, *lines]))
            or len(words) != 3
            or words[2] != b"HTTP/1.1"
            or words[1][:1] != b"/"
            or not TARGET.issuperset(words[1])
            or any(b":" not in f for f in lines)
            or any(not name or not TOKEN.issuperset(name) for name in names)
            or any(names.count(name) > 1 for name in ONCE)
            or not named.get(b"host")
            or not HOST.issuperset(named[b"host"])
        ):
            break
        rest = framed(named, data)
        if rest is None:
            break
        body, data = rest
        asked.append((words[0], words[1].partition(b"?")[0], body))
    return asked


def framed(named: dict[bytes, bytes], data: bytes) -> tuple[bytes, bytes] | None:
    """Return body and rest, or None where there is no clear one."""
    if b"transfer-encoding" in named:
        if b"content-length" in named or named[b"transfer-encoding"].lower() != b"chunked":
            return None
        body = b""
        while True:
            size, line_end, data = data.partition(b"\r\n")
            if not line_end or not size or not HEX.issuperset(size):
                return None
            length = int(size, 16)
            if data[length : length + 2] != b"\r\n":
                return None
            body, data = body + data[:length], data[length + 2 :]
            if not length:
                return body, data
    length_text = named.get(b"content-length", b"0")
    if not length_text or not DIGITS.issuperset(length_text) or len(data) < int(length_text):
        return None
    return data[: int(length_text)], data[int(length_text) :]


def mutated() -> st.SearchStrategy[bytes]:
    """Valid requests with a few bytes put in, taken out, doubled or exchanged."""
    valid = st.lists(
        st.sampled_from([GET, post(b"body"), post(b""), CHUNKED]), min_size=1, max_size=3
    )
    piece = st.sampled_from(INTERESTING) | st.binary(min_size=1, max_size=3)
    place = st.integers(0, 400)
    change = st.tuples(place, st.integers(0, 6), st.just(b"") | piece)

    def apply(requests: list[bytes], changes: list[tuple[int, int, bytes]]) -> bytes:
        data = b"".join(requests)
        for at, cut, put in changes:
            where = at % (len(data) + 1)
            data = data[:where] + put + data[where + cut :]
        return data

    return st.builds(apply, valid, st.lists(change, min_size=1, max_size=3))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated() | st.binary(max_size=200), st.integers(0, 300))
@example(b"GET / HTTP/1.1\r\nHost: gate\r\n" + b"A: \x80\r\n\r\n", 0)
@example(CHUNKED + post(b"body") + GET, 40)
def test_only_well_formed_requests_reach_the_application(data: bytes, split: int) -> None:
    async def hostile(house: House) -> None:
        client = await house.connect()
        client.writer.write(data[:split])
        await client.writer.drain()
        client.writer.write(data[split:])
        client.writer.write_eof()
        answers = await client.ended()

        delivered = [
            (s.head.method.encode(), s.head.path.encode(), body)
            for s in house.app.seen
            for body in s.bodies
        ]
        assert delivered == well_formed(data)[: len(delivered)]
        assert len(house.refused) <= 1
        assert answers == b"" or answers.startswith((b"HTTP/1.1 ", b"<reset>"))

    serving(hostile)


def test_the_judge_of_this_test_knows_good_from_bad() -> None:
    good = GET + post(b"body") + CHUNKED
    assert [body for _, _, body in well_formed(good)] == [b"", b"body", b"hello, world!\r\n"]
    assert well_formed(GET.replace(b"Host", b"H_st")) == []
    assert well_formed(GET.replace(b"gate", b"ga/te")) == []
    assert len(well_formed(GET + CHUNKED.replace(b"5", b"0x5"))) == 1
