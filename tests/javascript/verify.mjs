// Verifies one delivery a line: {"library", "secret", "headers", "body" (base64)} comes in by
// standard input, {"verified", "problem", "event"} goes out.

import { createInterface } from "node:readline";
import * as standardwebhooks from "standardwebhooks";
import * as svix from "svix";

const libraries = { standardwebhooks, svix };

for await (const line of createInterface({ input: process.stdin })) {
  const { library, secret, headers, body } = JSON.parse(line);
  let verdict;
  try {
    const payload = Buffer.from(body, "base64");
    const event = new libraries[library].Webhook(secret).verify(payload, headers);
    // Only standardwebhooks hands out what it verified.
    verdict = { verified: true, problem: "", event: event ?? JSON.parse(payload.toString()) };
  } catch (error) {
    if (!(error instanceof libraries[library].WebhookVerificationError)) throw error;
    verdict = { verified: false, problem: error.message, event: null };
  }
  process.stdout.write(JSON.stringify(verdict) + "\n");
}
