// The page's reader of Server-Sent Events.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

// As a module, which Node.js does not take a .js file for everywhere.
const source = await readFile(new URL("../../../client/web/sse.js", import.meta.url), "utf8");
const { readEvents } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

async function events(...pieces) {
  const stream = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  const found = [];
  for await (const data of readEvents(stream)) found.push(data);
  return found;
}

// The text cut in two, at every byte.
async function everySplit(text, expected) {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at <= bytes.length; ++at) {
    assert.deepEqual(await events(bytes.slice(0, at), bytes.slice(at)), expected, `cut at ${at}`);
  }
  assert.deepEqual(await events(...Array.from(bytes, (byte) => Uint8Array.of(byte))), expected);
}

test("Events may be cut anywhere, within a character too", () =>
  everySplit('data: {"a": "인공지능 🌙"}\n\ndata: 둘\n\n', ['{"a": "인공지능 🌙"}', "둘"]));

test("Lines end in CR LF, LF or CR", () =>
  everySplit("data: 1\r\n\r\ndata: 2\r\rdata: 3\n\ndata: 4\r\n\n", ["1", "2", "3", "4"]));

test("Data of several lines is one event", () =>
  everySplit("data: 하나\ndata:둘\ndata\ndata:  셋\n\n", ["하나\n둘\n\n 셋"]));

test("Comments, other fields and empty events are no events", () =>
  everySplit(":\n: ping\nevent: x\nid: 1\n\ndata: 1\n:\n\n\n\n", ["1"]));

test("A byte order mark is none of the data", () => everySplit("\uFEFFdata: 1\n\n", ["1"]));

test("What the end cuts off is no event", () => everySplit("data: 1\n\ndata: 2\n", ["1"]));

test("A stream that fails is an error", async () => {
  const failing = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("data: 1\n\n"));
    },
    pull(controller) {
      controller.error(new Error("gone"));
    },
  });
  const found = [];
  await assert.rejects(async () => {
    for await (const data of readEvents(failing)) found.push(data);
  }, /gone/);
});
