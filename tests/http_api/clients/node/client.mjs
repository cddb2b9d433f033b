// Node's fetch (undici) and http as they come.
import http from "node:http";

const [url, key, single, bulk, chunked, withFetch] = process.argv.slice(2);
const headers = { "X-License-Key": key, "Content-Type": "application/json" };

async function fetched(path, body) {
  return (await fetch(url + path, { method: "POST", headers, body, duplex: "half" })).status;
}

function requested(path, body, inChunks) {
  return new Promise((resolve, reject) => {
    const request = http.request(url + path, { method: "POST", headers }, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode));
    });
    request.on("error", reject);
    if (inChunks) {
      request.write(body.slice(0, 10));
      request.end(body.slice(10));
    } else {
      request.end(body);
    }
  });
}

const post = withFetch === "fetch" ? fetched : requested;
console.log(await post("/api/messages/", single));
console.log(await post("/api/messages/bulk/", bulk));
const inChunks = withFetch === "fetch" ? new Blob([chunked]).stream() : chunked;
console.log(await post("/api/messages/", inChunks, true));
