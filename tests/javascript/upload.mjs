// Uploads a file with tus-js-client: {"endpoint", "token", "file", "metadata", "chunkSize", "stopAt"} comes in
// by standard input, {"url", "job"} goes out. From "stopAt" on it stops as if the program had ended, and a
// second client goes on from the address.

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Upload } from "tus-js-client";

const { endpoint, token, file, metadata, chunkSize, stopAt } = JSON.parse(readFileSync(0, "utf8"));
const content = await readFile(file);

function upload(how) {
  return new Promise((resolve, reject) => {
    const sending = new Upload(content, {
      endpoint,
      chunkSize: chunkSize ?? Number.POSITIVE_INFINITY,
      metadata,
      headers: { Authorization: `Bearer ${token}` },
      retryDelays: null,
      onError: reject,
      onSuccess: ({ lastResponse }) => resolve({ url: sending.url, job: lastResponse.getHeader("X-Job-Id") }),
      onChunkComplete(_, accepted) {
        if (!how.uploadUrl && accepted >= stopAt && accepted < content.length) {
          sending.abort().then(() => resolve({ url: sending.url, job: null }));
        }
      },
      ...how,
    });
    sending.start();
  });
}

let done = await upload({});
if (done.job === null) done = await upload({ uploadUrl: done.url });
process.stdout.write(JSON.stringify(done));
