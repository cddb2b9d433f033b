// Sends by fetch with the types that openapi-typescript made: URL, key and a prefix for the ids.
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/schema";

declare const process: { argv: string[] };

const [url, key, prefix] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });
const phone = "+48600100200";
const message = "Zażółć";

function good<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const sent = good(
  await client.POST("/api/messages/", {
    body: { external_id: `${prefix}-0`, phone, message, send_after: "2036-04-10T09:00:00" },
  }),
);
const batch = good(
  await client.POST("/api/messages/bulk/", {
    body: { messages: [0, 1, 2].map((n) => ({ external_id: `${prefix}-${n}`, phone, message })) },
  }),
);
const read = good(
  await client.GET("/api/messages/{message_id}/", { params: { path: { message_id: sent.id } } }),
);
const status: components["schemas"]["MessageState"] = read.status;
const refused = await client.POST("/api/messages/", {
  body: { external_id: `${prefix}-0`, phone, message },
});

console.log(
  JSON.stringify({
    created: batch.created_count,
    skipped: batch.skipped.map((item) => item.reason),
    status,
    year: new Date(read.created_at).getFullYear(),
    refused: refused.error?.code,
  }),
);
