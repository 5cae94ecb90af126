"""The edge table: nothing ambiguous passes, no second request is smuggled in."""

import json

import pytest

from support.edge import GET, House, serving

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: gate\r\n\r\n"
LINE = b"POST /v1/x HTTP/1.1\r\n"
HOST = b"Host: gate\r\n"
CHUNKED = LINE + HOST + b"Transfer-Encoding: chunked\r\n\r\n"


def fields(*lines: bytes) -> bytes:
    return LINE + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


AMBIGUOUS = {
    "TE with CL": fields(b"Content-Length: 3", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "CL with TE": fields(b"Transfer-Encoding: chunked", b"Content-Length: 3") + b"0\r\n\r\n",
    "bare LF everywhere": GET.replace(b"\r\n", b"\n"),
    "bare LF after request line": b"GET / HTTP/1.1\nHost: gate\r\n\r\n",
    "bare LF in a header": fields(b"A: b\nContent-Length: 0"),
    "bare LF ends the head": b"GET / HTTP/1.1\r\nHost: gate\r\n\n",
    "bare CR in a value": fields(b"A: b\rc"),
    "bare CR before CRLF": fields(b"A: b\r"),
    "NUL in a value": fields(b"A: b\0c"),
    "NUL in a name": fields(b"A\0: b"),
    "NUL in the target": b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n",
    "control character in a value": fields(b"A: b\x01"),
    "DEL in a value": fields(b"A: b\x7f"),
    "two differing CL": fields(b"Content-Length: 3", b"Content-Length: 4") + b"abcd",
    "two equal CL": fields(b"Content-Length: 3", b"Content-Length: 3") + b"abc",
    "CL list": fields(b"Content-Length: 3, 3") + b"abc",
    "CL negative": fields(b"Content-Length: -1"),
    "CL with plus": fields(b"Content-Length: +3") + b"abc",
    "CL hexadecimal": fields(b"Content-Length: 0x3") + b"abc",
    "CL with space inside": fields(b"Content-Length: 1 0") + b"abc",
    "CL empty": fields(b"Content-Length:"),
    "CL in other digits": fields("Content-Length: ٣".encode()),
    "CL of twenty digits": fields(b"Content-Length: " + b"9" * 20),
    "TE with space before colon": fields(b"Transfer-Encoding : chunked") + b"0\r\n\r\n",
    "CL with tab before colon": fields(b"Content-Length\t: 3") + b"abc",
    "xchunked": fields(b"Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "TE gzip, chunked": fields(b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "TE chunked, identity": fields(b"Transfer-Encoding: chunked, identity") + b"0\r\n\r\n",
    "TE chunked twice": fields(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
    "TE quoted": fields(b'Transfer-Encoding: "chunked"') + b"0\r\n\r\n",
    "TE with vertical tab": fields(b"Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n",
    "TE with parameter": fields(b"Transfer-Encoding: chunked;q=1") + b"0\r\n\r\n",
    "TE empty": fields(b"Transfer-Encoding:"),
    "no Host": LINE + b"\r\n",
    "two Hosts": fields(b"Host: gate"),
    "two differing Hosts": fields(b"Host: other"),
    "Host empty": LINE + b"Host:\r\n\r\n",
    "Host with path": LINE + b"Host: a/skip?\r\n\r\n",
    "Host with user": LINE + b"Host: me@a\r\n\r\n",
    "Host with query": LINE + b"Host: a?b\r\n\r\n",
    "Host with fragment": LINE + b"Host: a#b\r\n\r\n",
    "Host list": LINE + b"Host: a, b\r\n\r\n",
    "Host with bad port": LINE + b"Host: a:b\r\n\r\n",
    "Host with two ports": LINE + b"Host: a:1:2\r\n\r\n",
    "two Authorization": fields(b"Authorization: Bearer a", b"Authorization: Bearer b"),
    "two x-api-key": fields(b"X-Api-Key: a", b"x-api-key: b"),
    "two interactions": fields(b"X-Evenhand-Interaction: a", b"X-Evenhand-Interaction: b"),
    "two Content-Type": fields(b"Content-Type: a/b", b"Content-Type: c/d"),
    "two Expect": fields(b"Expect: 100-continue", b"Expect: 100-continue"),
    "underscore in a name": fields(b"X-Tenant: a", b"X_Tenant: b"),
    "empty header name": fields(b": a"),
    "no colon": fields(b"Authorization"),
    "space in a name": fields(b"A b: c"),
    "odd byte in a name": fields(b"A\xffb: c"),
    "at sign in a name": fields(b"A@b: c"),
    "folded header": fields(b"A: b", b" c"),
    "folded with tab": fields(b"A: b", b"\tContent-Length: 3"),
    "folded first": LINE + b" Host: gate\r\nHost: gate\r\n\r\n",
    "absolute form": b"GET http://gate/v1/models HTTP/1.1\r\n" + HOST + b"\r\n",
    "authority form": b"CONNECT gate:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "asterisk form": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "TRACE": b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n",
    "unknown method": b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n",
    "small method": b"get / HTTP/1.1\r\n" + HOST + b"\r\n",
    "fragment in the target": b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n",
    "backslash in the target": b"GET /a\\b HTTP/1.1\r\n" + HOST + b"\r\n",
    "broken escape in the target": b"GET /a%2 HTTP/1.1\r\n" + HOST + b"\r\n",
    "odd byte in the target": b"GET /a\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "space in the target": b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
    "tab for space": b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "space after version": b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n",
    "empty line first": b"\r\n" + GET,
    "space first": b" " + GET,
    "HTTP/0.9": b"GET /\r\n",
    "HTTP/1.0": b"GET / HTTP/1.0\r\n" + HOST + b"\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\n" + HOST + b"\r\n",
    "http in small letters": b"GET / http/1.1\r\n" + HOST + b"\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "chunk size 0x3": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "chunk size +3": CHUNKED + b"+3\r\nabc\r\n0\r\n\r\n",
    "chunk size -3": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
    "chunk size with space": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
    "chunk size with underscore": CHUNKED + b"1_0\r\nabc\r\n0\r\n\r\n",
    "chunk size missing": CHUNKED + b"\r\nabc\r\n0\r\n\r\n",
    "chunk size of nine digits": CHUNKED + b"000000003\r\nabc\r\n0\r\n\r\n",
    "chunk size ends with LF": CHUNKED + b"3\nabc\r\n0\r\n\r\n",
    "chunk size ends with CR": CHUNKED + b"3\rabc\r\n0\r\n\r\n",
    "junk after chunk": CHUNKED + b"3\r\nabcX\r\n0\r\n\r\n",
    "junk for CRLF after chunk": CHUNKED + b"3\r\nabcXX0\r\n\r\n",
    "LF after chunk": CHUNKED + b"3\r\nabc\n0\r\n\r\n",
    "chunk extension": CHUNKED + b"3;a=b\r\nabc\r\n0\r\n\r\n",
    "huge chunk extension": CHUNKED + b"3;" + b"a" * 100_000,
    "trailer": CHUNKED + b"3\r\nabc\r\n0\r\nHost: other\r\n\r\n",
    "LF ends the chunks": CHUNKED + b"3\r\nabc\r\n0\r\n\n",
    "many tiny chunks": CHUNKED + b"1\r\na\r\n" * 20_000 + b"0\r\n\r\n",
}

REFUSED = {
    "header of 8 MB": (LINE + HOST + b"A: " + b"b" * (8 << 20), 431, "headers_too_large"),
    "100000 headers": (LINE + HOST + b"A: b\r\n" * 100_000 + b"\r\n", 431, "headers_too_large"),
    "one header too many": (LINE + HOST + b"A: b\r\n" * 100 + b"\r\n", 431, "headers_too_large"),
    "target of 64 KiB": (b"GET /" + b"a" * 65536, 431, "headers_too_large"),
    "endless method": (b"A" * 65536, 431, "headers_too_large"),
    "gzip body": (
        fields(b"Content-Encoding: gzip", b"Content-Length: 3") + b"abc",
        415,
        "unsupported_content_encoding",
    ),
    "identity, then gzip": (
        fields(b"Content-Encoding: identity", b"Content-Encoding: gzip"),
        415,
        "unsupported_content_encoding",
    ),
    "unknown expectation": (fields(b"Expect: miracles"), 417, "expectation_failed"),
    "huge CL": (fields(b"Content-Length: " + b"9" * 19), 413, "body_too_large"),
    "CL one over": (fields(b"Content-Length: 8388609"), 413, "body_too_large"),
    "huge chunk": (CHUNKED + b"ffffffff\r\n", 413, "body_too_large"),
}

CORPUS = {name: (data, 400, "bad_request") for name, data in AMBIGUOUS.items()} | REFUSED


@pytest.mark.parametrize("name", CORPUS)
def test_hostile_request_is_refused_closed_and_hides_no_second(name: str) -> None:
    data, status, code = CORPUS[name]

    async def hostile(house: House) -> None:
        client = await house.connect()
        client.writer.write(data + SMUGGLED)

        reply = await client.reply()

        error = json.loads(reply.body)["error"]
        assert (reply.status, error["code"]) == (status, code)
        assert set(error) == {"message", "type", "param", "code"}
        assert len(error["message"]) > 10
        assert "malformed (" not in error["message"], "llhttp's opinion is only the second"
        assert reply.headers["x-should-retry"] == "false"
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["connection"] == "close"
        assert await client.ended() == b""
        assert [o.value for o in house.refused] == [house.refused[0].value]
        assert not [s for s in house.app.seen if s.bodies or s.head.path == "/smuggled"]
        if b"chunked\r\n\r\n" not in data:
            assert house.app.seen == []

    serving(hostile)


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_no_further_byte_can_mend_is_refused_without_waiting_for_one(name: str) -> None:
    async def hopeless(house: House) -> None:
        client = await house.ask(AMBIGUOUS[name])
        assert (await client.reply()).status == 400

    serving(hopeless, head_timeout_ms=60_000, body_timeout_ms=60_000)


HOPELESS = [b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\r\nHost: a\rb", b"GET / HTTP/1.1\r\nA: \0", b"\n"]


@pytest.mark.parametrize("data", HOPELESS)
def test_broken_beginning_of_a_head_is_refused_at_once_byte_by_byte(data: bytes) -> None:
    async def hopeless(house: House) -> None:
        client = await house.connect()
        for byte in data:
            await client.send(bytes([byte]))
        assert (await client.reply()).status == 400

    serving(hopeless, head_timeout_ms=60_000)


HARMLESS = {
    "upgrade offer": fields(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c"),
    "upgrade offer with chunks": fields(
        b"Connection: Upgrade", b"Upgrade: h2c", b"Transfer-Encoding: chunked"
    )
    + b"0\r\n\r\n",
    "IPv6 Host": b"GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n",
    "no space after colon": b"GET / HTTP/1.1\r\nHost:gate\r\n\r\n",
    "query and escapes": b"GET /a%20b?c=d?&e=%2f HTTP/1.1\r\n" + HOST + b"\r\n",
    "Chunked": fields(b"Transfer-Encoding: Chunked") + b"0\r\n\r\n",
    "identity": fields(b"Content-Encoding: identity"),
    "UTF-8 value": fields("User-Agent: Gänsefüßchen".encode()),
    "repeated Accept": fields(b"Accept: a/b", b"Accept: c/d"),
    "hundred headers": LINE + HOST + b"A: b\r\n" * 99 + b"\r\n",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_unusual_but_clear_request_is_served_and_the_next_too(name: str) -> None:
    async def unusual(house: House) -> None:
        client = await house.ask(HARMLESS[name] + GET)

        first, second = await client.reply(), await client.reply()

        assert (first.status, second.status) == (200, 200)
        assert second.body == b"GET /v1/models "
        assert house.refused == []

    serving(unusual)
