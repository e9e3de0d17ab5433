// Server-Sent Events, read from a response's body.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream

// The data of each event, as it comes. Lines may end in CR LF, LF or CR, and bytes may arrive cut
// anywhere. An event without data, and one that the stream's end cut off, is none.
export async function* readEvents(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let afterReturn = false;
  let data = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const text = afterReturn && value[0] === "\n" ? value.slice(1) : value; // the rest of a CR LF
      afterReturn = value.endsWith("\r");
      const lines = (rest + text).split(/\r\n|\n|\r/);
      rest = lines.pop();
      for (const line of lines) {
        if (line === "" && data.length > 0) {
          yield data.join("\n");
          data = [];
        } else if (line.startsWith("data:")) {
          data.push(line.slice(line[5] === " " ? 6 : 5));
        } else if (line === "data") {
          data.push("");
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => {}); // a stream that has failed cannot be cancelled as well
  }
}
