// Receives webhooks. Needs `npm install standardwebhooks`; WEBHOOK_SECRET holds the secret.

import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
// In earnest a table with a unique column, written in one transaction with what the event changes.
const taken = new Set();

// A batch holds many products under the name of their event; a summary holds none.
function take({ type, data }) {
  if (type === "product.batch") {
    for (const product of data.products ?? []) store(data.event, product);
  } else if (type.startsWith("product.")) {
    store(type, data);
  }
}

function store(kind, product) {
  console.log(kind, product.sku);
}

const server = createServer(async (request, response) => {
  // The bytes as they came: JSON that was read and written again has another signature.
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  let event;
  try {
    event = webhook.verify(Buffer.concat(chunks), request.headers);
  } catch {
    response.writeHead(401).end();
    return;
  }
  const id = request.headers["webhook-id"];
  if (!taken.has(id)) {
    take(event);
    taken.add(id);
  }
  response.writeHead(204).end();
});
server.listen(Number(process.env.PORT ?? 9000), "127.0.0.1");
