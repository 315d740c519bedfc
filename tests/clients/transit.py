"""A small server of the transit engine, as Vault and OpenBao have it: real keys, real ciphertexts, versions."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import ssl
import threading

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "token-of-the-tests"
ROLE_ID, SECRET_ID = "role-of-the-tests", "secret-of-the-tests"


class Refused(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Key:
    """Versions of an AES-256-GCM key; a derived one mixes the context in."""

    def __init__(self, derived=False):
        self.derived = derived
        self.versions = [os.urandom(32)]
        self.min_decryption_version = 1

    def cipher(self, version, context):
        secret = self.versions[version - 1]
        if self.derived:
            if not context:
                raise Refused(400, "missing 'context' for key derivation")
            secret = hmac.digest(secret, base64.b64decode(context), hashlib.sha256)
        return AESGCM(secret)

    def encrypt(self, plain, context):
        version, nonce = len(self.versions), os.urandom(12)
        sealed = nonce + self.cipher(version, context).encrypt(nonce, plain, None)
        return f"vault:v{version}:{base64.b64encode(sealed).decode()}"

    def decrypt(self, text, context):
        try:
            vault, version, sealed = text.split(":")
            version, sealed = int(version.removeprefix("v")), base64.b64decode(sealed)
            assert vault == "vault" and 1 <= version <= len(self.versions)
        except (AssertionError, ValueError):
            raise Refused(400, "invalid ciphertext: unable to decrypt") from None
        if version < self.min_decryption_version:
            raise Refused(400, "ciphertext or signature version is disallowed by policy (too old)")
        try:
            return self.cipher(version, context).decrypt(sealed[:12], sealed[12:], None)
        except InvalidTag:
            raise Refused(400, "cipher: message authentication failed") from None


class Transit:
    """The server. `calls` has the paths that were asked for."""

    def __init__(self, certificate=None):
        self.keys, self.calls = {}, []
        self.tokens, self.denied, self.sealed = {TOKEN}, set(), False
        transit = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                length = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}")
                try:
                    status, said = 200, transit.answer(self.command, self.path, self.headers.get("x-vault-token"), body)
                except Refused as refused:
                    status, said = refused.status, {"errors": [str(refused)]}
                said = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.port = self.server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def rotate(self, name):
        self.keys[name].versions.append(os.urandom(32))

    def answer(self, method, path, token, body):
        self.calls.append(path)
        if self.sealed:
            raise Refused(503, "Vault is sealed")
        match path.removeprefix("/v1/").split("/"):
            case ["auth", "approle", "login"] if method == "POST":
                if (body.get("role_id"), body.get("secret_id")) != (ROLE_ID, SECRET_ID):
                    raise Refused(400, "invalid role or secret ID")
                fresh = f"token-{len(self.calls)}"
                self.tokens.add(fresh)
                return {"auth": {"client_token": fresh, "lease_duration": 60}, "data": None}
            case _ if token not in self.tokens:
                raise Refused(403, "permission denied")
            case ["auth", "token", "lookup-self"] if method == "GET":
                return {"data": {"id": token}}
            case ["transit", "datakey", "plaintext", name] if method == "POST":
                plain = os.urandom(body["bits"] // 8)
                sealed = self.key(name).encrypt(plain, body.get("context"))
                return {"data": {"plaintext": base64.b64encode(plain).decode(), "ciphertext": sealed}}
            case ["transit", "decrypt", name] if method == "POST":
                plain = self.key(name).decrypt(body["ciphertext"], body.get("context"))
                return {"data": {"plaintext": base64.b64encode(plain).decode()}}
        raise Refused(404, "unsupported path")

    def key(self, name):
        if name in self.denied:
            raise Refused(403, "1 error occurred: permission denied")
        if name not in self.keys:
            raise Refused(400, "encryption key not found")
        return self.keys[name]
