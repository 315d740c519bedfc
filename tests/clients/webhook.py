"""A server on loopback that takes events, and can be stopped and started again."""

import http.server
import json
import threading

import topology


def read(kind, body):
    """A message: events, or lines of an audit log."""
    if kind == "application/x-ndjson":
        return {"Lines": [json.loads(line) for line in body.splitlines()]}
    return json.loads(body)


class Webhook:
    def __init__(self):
        self.port = topology.free_port()
        self.messages, self.headers = [], []
        self.refusing = False
        self.listener = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/events?from=s3"

    def start(self):
        webhook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if not webhook.refusing:
                    webhook.headers.append((self.path, dict(self.headers)))
                    webhook.messages.append(read(self.headers["content-type"], body))
                self.send_response(503 if webhook.refusing else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.listener = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self):
        if self.listener is not None:
            self.listener.shutdown()
            self.listener.server_close()
            self.listener = None

    def lines(self):
        """All lines of audit logs so far."""
        return [line for message in list(self.messages) for line in message.get("Lines", [])]

    def records(self):
        """All records so far, in the order of arrival."""
        return [record for message in list(self.messages) for record in message.get("Records", [])]

    def told(self):
        """Event and key of each record."""
        return [(record["eventName"], record["s3"]["object"]["key"]) for record in self.records()]

    def wait_for(self, count):
        topology.wait_until(lambda: len(self.records()) >= count, f"{count} records; so far {self.told()}")
        return self.records()
