"""What no client should send: each request gets an answer with AWS's code, or its connection is closed; never a 5xx, never a
crash, and what was configured before stays."""

import pathlib
import random
import re
import socket
import uuid

import pytest
import signed
import topology

SEEDS = pathlib.Path(__file__).parents[1] / "fuzz" / "seeds"
# Kind of document in tests/fuzz/seeds, and the query that puts it.
DOCUMENTS = {
    "accelerate": {"accelerate": ""},
    "acl": {"acl": ""},
    "analytics": {"analytics": "", "id": "a"},
    "cors": {"cors": ""},
    "encryption": {"encryption": ""},
    "intelligent-tiering": {"intelligent-tiering": "", "id": "a"},
    "inventory": {"inventory": "", "id": "a"},
    "lifecycle": {"lifecycle": ""},
    "logging": {"logging": ""},
    "metrics": {"metrics": "", "id": "a"},
    "notification": {"notification": ""},
    "object-lock": {"object-lock": ""},
    "ownership-controls": {"ownershipControls": ""},
    "public-access-block": {"publicAccessBlock": ""},
    "replication": {"replication": ""},
    "request-payment": {"requestPayment": ""},
    "tagging": {"tagging": ""},
    "versioning": {"versioning": ""},
    "website": {"website": ""},
}
MUTATIONS = 60


@pytest.fixture
def connection(server):
    connection = signed.Connection(server.address, topology.ACCESS_KEY, topology.SECRET_KEY, topology.REGION)
    yield connection
    connection.close()


@pytest.fixture(autouse=True)
def survives(server):
    """The processes that were there before a test are there after it, and nothing in them panicked."""
    processes = [server.front, *server.nodes]
    before = [process.child.pid for process in processes]
    yield
    assert server.ready()
    assert [process.child.pid for process in processes] == before and all(process.alive() for process in processes)
    assert "panicked" not in server.logs()


def mutated(document, rng):
    """A document with a few bytes, tags or texts that are not as they should be."""
    data = bytearray(document)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data) + 1)
        elements = list(re.finditer(rb"<(\w+)>[^<]*</\1>", data)) or list(re.finditer(rb"<[^>]*>", data))
        element = rng.choice(elements) if elements else None
        match rng.randrange(9):
            case 0:
                data[at:at] = rng.randbytes(rng.randint(1, 4))
            case 1:
                del data[at : at + rng.randint(1, 20)]
            case 2:
                data[at:] = b""
            case 3 if element:
                data[element.end() : element.end()] = element.group() * rng.choice([1, 2, 1500])
            case 4 if element:
                del data[element.start() : element.end()]
            case 5 if element:
                value = rng.choice([b"", b"-1", b"99999999999999999999", b"nonsense", b"\xff\xfe", b"&x;", b"&#0;", b"a" * 70_000])
                data[element.start() : element.end()] = re.sub(rb">[^<]*<", lambda _: b">" + value + b"<", element.group(), count=1)
            case 6:
                data[at:at] = b"<a>" * rng.choice([1, 500, 20_000])
            case 7:
                data[:0] = b'<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;&x;">]>'
            case 8 if element:
                data[element.start() : element.end()] = element.group().swapcase()
    return bytes(data)


def code_of(body):
    found = re.search(rb"<Code>(\w+)</Code>", body)
    return found.group(1).decode() if found else None


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_broken_document_is_refused_and_leaves_the_old_one(connection, kind):
    rng, query = random.Random(f"malformed {kind}"), DOCUMENTS[kind]
    (seed,) = (path.read_bytes() for path in (SEEDS / f"document-{kind}").iterdir())
    path = f"/malformed-{uuid.uuid4().hex[:16]}"
    assert connection.request("PUT", path)[0] == 200
    before = connection.request("GET", path, query)
    refused = 0
    for _ in range(MUTATIONS):
        document = mutated(seed, rng)
        status, _, answer = connection.request("PUT", path, query, document)
        if status < 300:
            before = connection.request("GET", path, query)
            continue
        refused += 1
        assert 400 <= status < 500 and code_of(answer), (status, answer[:300], document[:300])
        after = connection.request("GET", path, query)
        assert (after[0], code_of(after[2]) or after[2]) == (before[0], code_of(before[2]) or before[2]), document[:300]
    assert refused > MUTATIONS // 3, "the mutations break something"


@pytest.mark.parametrize("kind", ["delete", "complete-multipart-upload", "object-tagging", "legal-hold", "retention"])
def test_a_broken_document_about_an_object_changes_nothing(connection, kind):
    rng = random.Random(f"malformed {kind}")
    (seed,) = (path.read_bytes() for path in (SEEDS / f"document-{kind}").iterdir())
    bucket = f"/malformed-{uuid.uuid4().hex[:16]}"
    assert connection.request("PUT", bucket)[0] == 200
    assert connection.request("PUT", f"{bucket}/keep", body=b"kept")[0] == 200
    upload = re.search(rb"<UploadId>([^<]+)<", connection.request("POST", f"{bucket}/parts", {"uploads": ""})[2])
    method, path, query = {
        "delete": ("POST", bucket, {"delete": ""}),
        "complete-multipart-upload": ("POST", f"{bucket}/parts", {"uploadId": upload.group(1).decode()}),
        "object-tagging": ("PUT", f"{bucket}/keep", {"tagging": ""}),
        "legal-hold": ("PUT", f"{bucket}/keep", {"legal-hold": ""}),
        "retention": ("PUT", f"{bucket}/keep", {"retention": ""}),
    }[kind]
    for _ in range(MUTATIONS):
        document = mutated(seed, rng)
        status, _, answer = connection.request(method, path, query, document)
        assert status < 500 and (status < 300 or code_of(answer)), (status, answer[:300], document[:300])
        assert connection.request("GET", f"{bucket}/keep")[::2] == (200, b"kept")


# Heads that break HTTP, or mean one thing to one server and another thing to the next.
HEADS = {
    "no version": b"GET /\r\n\r\n",
    "unknown version": b"GET / HTTP/3.7\r\n\r\n",
    "nonsense": bytes(range(256)),
    "TLS on a plain port": bytes.fromhex("160301020001000001fc0303") + bytes(500),
    "space in a header's name": b"GET / HTTP/1.1\r\nhost : x\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nhost: x\r\nx-amz-date: a\0b\r\n\r\n",
    "bare LF smuggles a header": b"GET / HTTP/1.1\r\nhost: x\nx-a: b\r\r\n\r\n",
    "two lengths": b"PUT /b/k HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "negative length": b"PUT /b/k HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    "endless length": b"PUT /b/k HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999999\r\n\r\n",
    "length and chunks": b"PUT /b/k HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown transfer encoding": b"PUT /b/k HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, x\r\n\r\n",
    "nonsense chunk": b"PUT /b/k HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
    "endless chunk": b"PUT /b/k HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    "too many headers": b"GET / HTTP/1.1\r\nhost: x\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(2000)) + b"\r\n",
    "too long a header": b"GET / HTTP/1.1\r\nhost: x\r\nx-a: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "too long a path": b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    "broken percent": b"GET /b/%zz%1 HTTP/1.1\r\nhost: x\r\n\r\n",
    "a key that is no text": b"GET /b/%ff%fe HTTP/1.1\r\nhost: x\r\n\r\n",
    "broken query": b"GET /b?%&=&&prefix=%ff&max-keys=%00 HTTP/1.1\r\nhost: x\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "unknown method": b"BREW /b/k HTTP/1.1\r\nhost: x\r\n\r\n",
    "proxy's form": b"GET http://elsewhere/b/k HTTP/1.1\r\nhost: x\r\n\r\n",
    "tunnel": b"CONNECT elsewhere:443 HTTP/1.1\r\nhost: elsewhere:443\r\n\r\n",
    "HTTP/2 that breaks off": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 200,
    "broken authorization": b"GET / HTTP/1.1\r\nhost: x\r\nauthorization: AWS4-HMAC-SHA256 Credential=,,=\r\n\r\n",
    "authorization without end": b"GET / HTTP/1.1\r\nhost: x\r\nauthorization: AWS4-HMAC-SHA256 " + b"a=b," * 2000 + b"\r\n\r\n",
    "broken signature in the query": b"GET /b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=9&X-Amz-Expires=-1 HTTP/1.1\r\nhost: x\r\n\r\n",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_broken_head_is_refused_or_its_connection_closed(server, head):
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as client:
        answer = b""
        try:
            client.sendall(head)
            client.shutdown(socket.SHUT_WR)
            while more := client.recv(65536):
                answer += more
        except OSError as error:
            assert not isinstance(error, TimeoutError), "neither an answer nor an end"
    is_http1 = answer.startswith(b"HTTP/1")
    assert not is_http1 or b"400" <= answer.split(b" ")[1] < b"500", answer[:300]
