// A question, its answer, and what can go wrong between them.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ANSWER,
  END,
  LUNA,
  TRANSLATING,
  WHOLE,
  ask,
  askAndWait,
  eventually,
  fake,
  gated,
  lastTurn,
  open,
  textOf,
  useBrowser,
} from "./browser.mjs";

useBrowser();

const WORDS = ["하나", " 둘", " 셋", " 넷", " 다섯", " 여섯"];
const length = () => document.querySelector(".turn .text")?.textContent.length ?? 0;

test("An answer grows while the model still speaks", async () => {
  await fake.script(gated(...WORDS));
  const page = await open(LUNA);
  await ask(page, "세어 줘");
  const seen = [];
  for (const word of WORDS) {
    await fake.step();
    const before = seen.at(-1) ?? 0;
    await eventually(page, (least) => (document.querySelector(".turn .text")?.textContent.length ?? 0) > least, before);
    seen.push(await page.evaluate(length));
  }
  assert.ok(new Set(seen).size >= 5, String(seen));
  assert.equal((await fake.state()).open, 1);
  assert.equal(await lastTurn(page).getAttribute("aria-busy"), "true");
  await fake.step("last");
  await lastTurn(page).and(page.locator("[data-state=done]")).waitFor();
  assert.equal(await textOf(lastTurn(page)), WORDS.join(""));
});

test("What it is about is shown: emotion, first word, whole time, model", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  const turn = await askAndWait(page, "너무 기뻐!");
  assert.match(await turn.locator(".emotion").innerText(), /[가-힣]+ \d+%/);
  assert.match(await turn.locator("footer").innerText(), /첫 단어까지 \d+\.\d\d초/);
  assert.match(await turn.locator("footer").innerText(), /전체 \d+\.\d\d초\s+fake-1/);
});

test("Stop leaves the model", async () => {
  for (const stop of [(page) => page.locator("#stop").click(), (page) => page.keyboard.press("Escape")]) {
    await fake.reset();
    await fake.script({ steps: [{ text: "하나 둘 셋" }, { await: "step" }, { text: "너무 늦었어" }, ...END] });
    const page = await open(LUNA);
    await ask(page, "세어 줘");
    await eventually(page, () => document.querySelector(".turn .text")?.textContent.includes("하나"));
    await stop(page);
    await lastTurn(page).and(page.locator("[data-state=stopped]")).waitFor();
    const state = await fake.wait({ cancelled: 1, open: 0 });
    assert.equal(state.requests[0].outcome, "cancelled");
    assert.match(await textOf(lastTurn(page)), /^하나/);
    await fake.script(WHOLE);
    await page.getByRole("button", { name: "다시 묻기" }).click();
    await lastTurn(page).and(page.locator("[data-state=done]")).waitFor();
    assert.equal(await textOf(lastTurn(page)), ANSWER);
  }
});

test("Escape after the whole answer leaves it remembered", async () => {
  await fake.script(WHOLE);
  // The stream of an answer stays open behind its last event, until it is aborted.
  const script = `
    const send = fetch;
    globalThis.fetch = async (path, options) => {
      const response = await send(path, options);
      if (path !== "/interact/stream") return response;
      const start = async (held) => {
        options.signal.addEventListener("abort", () => held.error(options.signal.reason));
        for await (const bytes of response.body) held.enqueue(bytes);
      };
      return new Response(new ReadableStream({ start }));
    };`;
  const page = await open(LUNA, { script });
  await ask(page, "안녕");
  await lastTurn(page).and(page.locator("[data-state=done]")).waitFor();
  assert.equal(await page.locator("#stop").isVisible(), true);
  await page.keyboard.press("Escape");
  await page.locator("#send").waitFor();
  await lastTurn(page).and(page.locator("[data-state=done][id]")).waitFor();
});

test("An answer that failed says why and is asked for again", async () => {
  await fake.script({ status: 503, body: "no" });
  const page = await open(LUNA);
  await ask(page, "안녕");
  const failure = lastTurn(page).locator(".failure");
  await failure.getByText("답을 받지 못했습니다").waitFor();
  assert.match(await failure.locator("p").innerText(), /Gemini/);
  await fake.script(WHOLE);
  await failure.getByRole("button", { name: "다시 시도" }).click();
  await lastTurn(page).and(page.locator("[data-state=done]")).waitFor();
  assert.equal(await page.locator(".turn").count(), 1);
  assert.equal(await textOf(lastTurn(page)), ANSWER);
});

test("An answer that breaks off keeps what had come", async () => {
  await fake.script({ steps: [{ text: "하나 둘 셋" }, { end: "reset" }] });
  const page = await open(LUNA);
  await ask(page, "세어 줘");
  await lastTurn(page).locator(".failure strong").waitFor();
  assert.match(await textOf(lastTurn(page)), /^하나 둘/);
});

test("An HTTP error is told in the server's words", async () => {
  const page = await open(LUNA, { expected: ["413"] });
  await ask(page, "가".repeat(6000));
  await lastTurn(page).locator(".failure p").getByText("16384").waitFor();
  assert.equal((await fake.state()).seen, 0);
});

test("A server that cannot be reached is an error, and is asked again", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA, { expected: ["ERR_INTERNET_DISCONNECTED"] });
  await page.context().setOffline(true);
  await ask(page, "안녕");
  await lastTurn(page).locator(".failure p").getByText("서버에 연결할 수 없습니다").waitFor();
  await page.context().setOffline(false);
  await page.getByRole("button", { name: "다시 시도" }).click();
  await lastTurn(page).and(page.locator("[data-state=done]")).waitFor();
});

test("A stream without an end of its own is an error", async () => {
  const page = await open(LUNA);
  const body = 'data: {"type": "llm_chunk", "data": "하나"}\n\n';
  await page.route("**/interact/stream", (route) => route.fulfill({ contentType: "text/event-stream", body }));
  await ask(page, "안녕");
  await lastTurn(page).locator(".failure p").getByText("답이 끝나기 전에 연결이 끊겼습니다.").waitFor();
  assert.equal(await textOf(lastTurn(page)), "하나");
});

test("An answer of before is marked", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  const first = await askAndWait(page, "인공지능의 미래는?");
  assert.equal(await first.locator(".cached").count(), 0);
  const second = await askAndWait(page, "인공지능의 미래는?");
  assert.equal(await second.locator(".cached").innerText(), "저장된 답");
  assert.equal((await fake.state()).seen, 1);
});

test("A translation is folded under the question", async () => {
  const english = "Explain the future of AI.";
  const unary = [{ text: english }, ...END].map((step) => ({ ...step, stream: false }));
  await fake.script({ steps: [...unary, ...WHOLE.steps.map((step) => ({ ...step, stream: true }))] });
  const page = await open(TRANSLATING);
  const turn = await askAndWait(page, "인공지능의 미래를 설명해 줘");
  const text = turn.locator("details p");
  assert.equal(await text.isVisible(), false);
  await turn.locator("summary").click();
  assert.equal(await text.innerText(), english);
  assert.equal(await text.getAttribute("lang"), "en");
});

test("A copy that the browser refuses is told", async () => {
  await fake.script(WHOLE);
  const script = "navigator.clipboard.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'));";
  const page = await open(LUNA, { script });
  await askAndWait(page, "안녕");
  await page.getByRole("button", { name: "답 복사" }).click();
  await page.locator(".problem").getByText("복사하지 못했습니다.").waitFor();
});

test("HTML is text: in a question, an answer and the list", async () => {
  const html = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script> <b>굵게</b>`;
  await fake.script({ steps: [{ text: html }, ...END] });
  const page = await open(LUNA);
  const turn = await askAndWait(page, html);
  assert.equal(await textOf(turn), html);
  assert.equal(await turn.locator(".question p").textContent(), html);
  await page.locator("#list .line").getByText("<img").waitFor();
  await page.locator("#search").fill("굵게");
  await page.locator("#list mark").waitFor();
  assert.equal(await page.locator("img, b, .turn script, #list script").count(), 0);
  assert.equal(await page.title(), "루나");
});

test("A screen reader hears an answer once, and whole", async () => {
  await fake.script(gated(...WORDS));
  const page = await open(LUNA);
  await page.evaluate(() => {
    globalThis.heard = [];
    const said = document.getElementById("said");
    new MutationObserver(() => globalThis.heard.push(said.textContent)).observe(said, {
      childList: true,
      subtree: true,
    });
  });
  await ask(page, "세어 줘");
  for (const _ of WORDS) await fake.step();
  await fake.step("last");
  await lastTurn(page).and(page.locator("[data-state=done]")).waitFor();
  assert.deepEqual(await page.evaluate(() => globalThis.heard), ["답을 생각하고 있습니다", `루나: ${WORDS.join("")}`]);
  assert.equal(await page.locator("#turns [aria-live], #turns[aria-live]").count(), 0);
});

test("Enter while Hangul is composed sends nothing", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  await page.locator("#input").focus();
  const keyboard = await page.context().newCDPSession(page);
  await keyboard.send("Input.imeSetComposition", { text: "안녕", selectionStart: 2, selectionEnd: 2 });
  await page.keyboard.press("Enter");
  assert.equal(await page.locator(".turn").count(), 0);
  await keyboard.send("Input.insertText", { text: "안녕" });
  assert.equal((await page.locator("#input").inputValue()).trim(), "안녕");
  await page.keyboard.press("Enter");
  await lastTurn(page).and(page.locator("[data-state=done]")).waitFor();
  assert.equal(await page.locator(".question p").innerText(), "안녕");
  assert.equal(await page.locator(".turn").count(), 1);
});

test("Shift+Enter starts a new line", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  await page.locator("#input").pressSequentially("하나");
  await page.keyboard.press("Shift+Enter");
  await page.locator("#input").pressSequentially("둘");
  await page.keyboard.press("Enter");
  await lastTurn(page).and(page.locator("[data-state=done]")).waitFor();
  assert.equal(await page.locator(".question p").innerText(), "하나\n둘");
});

test("A long answer does not fight who reads further up", async () => {
  const lines = (name) => Array.from({ length: 60 }, (_, n) => `${name} ${n}\n`).join("");
  await fake.script(gated(lines("가"), lines("나"), lines("다")));
  const page = await open(LUNA);
  const scroller = page.locator("#scroller");
  const place = () =>
    scroller.evaluate((it) => ({ top: it.scrollTop, left: it.scrollHeight - it.clientHeight - it.scrollTop }));
  const grown = (text) =>
    eventually(page, (end) => document.querySelector(".turn .text")?.textContent.includes(end), text);
  const atEnd = () =>
    eventually(page, () => {
      const it = document.getElementById("scroller");
      return it.scrollHeight - it.clientHeight - it.scrollTop < 2;
    });

  await ask(page, "길게 말해 줘");
  await fake.step();
  await grown("가 58");
  await atEnd();
  assert.ok((await place()).top > 0);
  assert.equal(await page.locator("#to-newest").isVisible(), false);

  await scroller.hover();
  await page.mouse.wheel(0, -500);
  await page.locator("#to-newest").waitFor();
  const { top } = await scroller.evaluate(
    (it) =>
      new Promise((resolve) => {
        let last = -1; // until it has come to rest
        const look = () =>
          it.scrollTop === last ? resolve({ top: last }) : ((last = it.scrollTop), requestAnimationFrame(look));
        look();
      }),
  );
  await fake.step();
  await grown("나 58");
  assert.equal((await place()).top, top);

  await page.locator("#to-newest").click();
  await atEnd();
  await fake.step();
  await grown("다 58");
  await atEnd();
  await fake.step("last");
});
