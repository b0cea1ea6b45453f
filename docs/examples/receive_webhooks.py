"""Receives webhooks. Needs `pip install standardwebhooks`; WEBHOOK_SECRET holds the secret."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["WEBHOOK_SECRET"])
# In earnest a table with a unique column, written in one transaction with what the event changes.
taken = set()


def take(event):
    """A batch holds many products under the name of their event; a summary holds none."""
    data = event["data"]
    if event["type"] == "product.batch":
        for product in data.get("products", []):
            store(data["event"], product)
    elif event["type"].startswith("product."):
        store(event["type"], data)


def store(kind, product):
    print(kind, product["sku"], flush=True)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        # The bytes as they came: JSON that was read and written again has another signature.
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            event = webhook.verify(body, self.headers)
        except (WebhookVerificationError, ValueError):
            self.answer(401)
            return
        if self.headers["webhook-id"] not in taken:
            take(event)
            taken.add(self.headers["webhook-id"])
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()


HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Handler).serve_forever()
