"""Signed S3 requests with nothing but the standard library, so that a crash test is light."""

import datetime
import hashlib
import hmac
import http.client
import urllib.parse
import xml.etree.ElementTree

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Connection:
    """One kept-alive connection; a request raises OSError or HTTPException when the server goes away."""

    def __init__(self, address, access_key, secret_key, region, timeout=60):
        self.address, self.access_key, self.secret_key, self.region = address, access_key, secret_key, region
        self.timeout = timeout
        self.connection = None

    def request(self, method, path, query=None, body=b"", length=None):
        """Answers status, headers and body. A body that is an iterator needs its length."""
        if self.connection is None:
            host, port = self.address.split(":")
            self.connection = http.client.HTTPConnection(host, int(port), timeout=self.timeout)
        encoded = urllib.parse.quote(path, safe="/-_.~")
        pairs = sorted((query or {}).items())
        text = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)
        headers = self._sign(method, encoded, text)
        if length is not None:
            headers["content-length"] = str(length)
        try:
            self.connection.request(method, encoded + (f"?{text}" if text else ""), body=body, headers=headers)
            answer = self.connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _sign(self, method, path, query):
        moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{moment[:8]}/{self.region}/s3/aws4_request"
        names = "host;x-amz-content-sha256;x-amz-date"
        canonical = (
            f"{method}\n{path}\n{query}\nhost:{self.address}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\n"
            f"x-amz-date:{moment}\n\n{names}\nUNSIGNED-PAYLOAD"
        )
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{self.secret_key}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        credential = f"Credential={self.access_key}/{scope},SignedHeaders={names},Signature={signature}"
        return {
            "host": self.address,
            "x-amz-date": moment,
            "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
            "authorization": f"AWS4-HMAC-SHA256 {credential}",
        }

    def list(self, bucket):
        """Every key with its size and ETag."""
        found, token = {}, None
        while True:
            query = {"list-type": "2"} | ({"continuation-token": token} if token else {})
            status, _, body = self.request("GET", f"/{bucket}", query)
            assert status == 200, body
            page = xml.etree.ElementTree.fromstring(body)
            for entry in page.findall(f"{NAMESPACE}Contents"):
                value = lambda name, entry=entry: entry.findtext(f"{NAMESPACE}{name}")  # noqa: E731
                assert value("Key") not in found, "a key stands twice in a listing"
                found[value("Key")] = (int(value("Size")), value("ETag").strip('"'))
            token = page.findtext(f"{NAMESPACE}NextContinuationToken")
            if not token:
                return found


def quote(text):
    return urllib.parse.quote(text, safe="-_.~")
