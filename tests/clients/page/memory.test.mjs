// What luna remembers: reload, the list, search, deletion.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ANSWER,
  END,
  LUNA,
  WHOLE,
  ask,
  askAndWait,
  converse,
  fake,
  gated,
  lastTurn,
  open,
  textOf,
  useBrowser,
} from "./browser.mjs";

useBrowser();

const entries = (page) => page.locator("#list li");
const remove = (page) => page.getByRole("button", { name: "삭제", exact: true });
const questions = (page) => page.locator(".question p").allInnerTexts();

// Lets luna remember what the page's person never said. `turns`: of what is unlike one in the session `long`.
async function remember(page, turns) {
  const lines = turns.map((turn, n) => {
    const timestamp = new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString();
    return JSON.stringify({ conversation: { timestamp, session_id: "long", assistant_message: "답", ...turn } });
  });
  const user = await page.evaluate(() => localStorage.getItem("luna.user"));
  const sent = await fetch(`${LUNA}/memory/import?user_id=${user}`, {
    method: "POST",
    headers: { "Content-Type": "application/x-ndjson" },
    body: lines.join("\n"),
  });
  assert.equal(sent.status, 200);
}

const numbered = (count, turn = {}) =>
  Array.from({ length: count }, (_, n) => ({ user_message: `질문 ${n}`, ...turn }));

// Holds back requests for pages of turns until it is called: then answers them, the oldest first, and says how many.
async function holdPages(page) {
  const held = [];
  await page.route(/memory\/conversations\?.*limit=30/, (route) => void held.push(route));
  return async () => {
    for (const route of held) {
      const answered = page.waitForEvent("requestfinished", (request) => request === route.request());
      await route.continue();
      await answered;
    }
    return held.length;
  };
}

test("A reload brings the conversation back", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  await askAndWait(page, "하나");
  await askAndWait(page, "둘");
  await page.reload();
  await page.locator(".turn").nth(1).waitFor();
  assert.deepEqual(await page.locator(".question p").allInnerTexts(), ["하나", "둘"]);
  assert.equal(await textOf(lastTurn(page)), ANSWER);
  assert.equal(await page.locator("#list a[aria-current=page]").count(), 1);
  await askAndWait(page, "셋");
  await page.locator("#list .line").getByText("셋").waitFor();
  assert.equal(await entries(page).count(), 1);
});

test("Conversations are apart, and one comes back when it is chosen", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  await askAndWait(page, "처음");
  await page.locator("#new-session").click();
  assert.equal(await page.locator(".turn").count(), 0);
  await askAndWait(page, "다음");
  await entries(page).nth(1).waitFor();
  assert.deepEqual(await page.locator("#list .line").allInnerTexts(), ["다음", "처음"]);
  await page.locator("#list a").getByText("처음").click();
  await page.locator(".question p").getByText("처음").waitFor();
  assert.equal(await page.locator(".turn").count(), 1);
  await page.goBack();
  await page.locator(".question p").getByText("다음").waitFor();
});

test("Whoever leaves a conversation stops its answer", async () => {
  await fake.script(gated("하나"));
  const page = await open(LUNA);
  await ask(page, "세어 줘");
  await fake.wait({ waiting: 1 });
  await page.locator("#new-session").click();
  await fake.wait({ cancelled: 1, open: 0 });
  await fake.script(WHOLE);
  await askAndWait(page, "안녕");
  assert.equal(await page.locator(".turn").count(), 1);
});

test("Earlier turns come when they are asked for", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  const imported = numbered(35);
  await remember(page, imported);
  await page.goto(`${LUNA}/#long`);
  await page.locator(".question p").getByText("질문 34", { exact: true }).waitFor();
  assert.equal(await page.locator(".turn").count(), 30);
  await page.locator("#earlier").click();
  await page.locator(".question p").getByText("질문 0", { exact: true }).waitFor();
  assert.equal(await page.locator("#earlier").isVisible(), false);
  assert.deepEqual(
    await questions(page),
    imported.map(({ user_message }) => user_message),
  );

  await page.goto(`${LUNA}/`);
  await page.locator("#search").fill("질문 2");
  await page.locator("#list .snippet").getByText("질문 2", { exact: true }).click(); // further back than the first page
  await page.locator(".turn.shown").waitFor();
  assert.equal(await page.locator(".turn.shown .question p").innerText(), "질문 2");
});

test("Earlier turns are shown once where the conversation goes on elsewhere", async () => {
  const page = await open(LUNA);
  await remember(page, numbered(70));
  await page.goto(`${LUNA}/#long`);
  await page.reload();
  await page.locator(".turn").nth(29).waitFor();
  const elsewhere = numbered(35, { session_id: "long" }).map((turn, n) => ({
    ...turn,
    user_message: `다른 곳 ${n}`,
    timestamp: new Date(Date.UTC(2026, 1, 1) + n * 1000).toISOString(),
  }));
  await remember(page, elsewhere);
  const first = page.locator(".question p").getByText("질문 0", { exact: true });
  const answers = [];
  page.on("response", (response) => response.url().includes("limit=30") && answers.push(response));
  while ((await first.count()) === 0) {
    await page.evaluate(() => document.getElementById("earlier").click());
  }
  assert.ok(answers.length <= 4, `${answers.length}`);
  assert.deepEqual(
    await questions(page),
    numbered(70).map(({ user_message }) => user_message),
  );
});

test("A double click brings earlier turns once", async () => {
  const page = await open(LUNA);
  await remember(page, numbered(70));
  await page.goto(`${LUNA}/#long`);
  await page.locator(".question p").getByText("질문 69", { exact: true }).waitFor();
  const answer = await holdPages(page);
  await page.locator("#earlier").dblclick();
  assert.equal(await answer(), 1);
  await page.locator(".question p").getByText("질문 10", { exact: true }).waitFor();
  assert.equal(await page.locator(".turn").count(), 60);
});

test("A conversation that is opened twice at once shows its turns once", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  await remember(page, [{ user_message: "하나" }, { user_message: "둘", session_id: "other" }]);
  await page.reload();
  await entries(page).nth(1).waitFor();
  const answer = await holdPages(page);
  for (const name of ["하나", "둘", "하나"]) await page.locator("#list a").getByText(name).click();
  assert.equal(await answer(), 3);
  await page.locator(".question p").getByText("하나").first().waitFor();
  await askAndWait(page, "셋");
  assert.deepEqual(await questions(page), ["하나", "셋"]);
});

test("Large turns come in short pages, up to the first", async () => {
  const page = await open(LUNA);
  const large = "가나다 ".repeat(72_000); // the third ends a page of 2 MiB
  await remember(page, numbered(7, { assistant_message: large }));
  await page.goto(`${LUNA}/#long`);
  for (const [count, more] of [
    [3, true],
    [6, true],
    [7, false],
  ]) {
    await page.locator(".turn").nth(count - 1).waitFor();
    assert.equal(await page.locator(".turn").count(), count);
    assert.equal(await page.locator("#earlier").isVisible(), more);
    if (more) await page.locator("#earlier").click();
  }

  await page.goto(`${LUNA}/`);
  await page.locator("#search").fill("질문 0");
  await page.locator("#list .snippet").getByText("질문 0").click();
  await page.locator(".turn.shown").waitFor();
  assert.equal(await page.locator(".turn.shown .question p").innerText(), "질문 0");
});

test("The list grows to the most that the server lists", async () => {
  const page = await open(LUNA);
  await remember(
    page,
    numbered(1001).map((turn, n) => ({ ...turn, session_id: `s${n}` })),
  );
  await page.reload();
  const more = page.getByRole("button", { name: "더 보기" });
  for (let count = 50; count < 1000; count += 50) {
    await entries(page).nth(count - 1).waitFor();
    await more.click();
  }
  await page.waitForFunction(() => document.activeElement === document.querySelectorAll("#list a")[950]);
  await entries(page).nth(999).waitFor();
  assert.equal(await more.count(), 0);
  assert.equal(await entries(page).count(), 1000);
});

test("A search says how much of what it found is shown", async () => {
  const page = await open(LUNA);
  await remember(page, numbered(51));
  await page.locator("#search").fill("질문");
  await page.locator("#list mark").first().waitFor();
  assert.equal(await entries(page).count(), 50);
  assert.equal(await page.locator("#list > p").innerText(), "51개를 찾았습니다. 가장 잘 맞는 50개입니다.");
});

test("Back and forward lead through what was clicked", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  const shows = async (...expected) => {
    await page.waitForFunction(
      (texts) => texts === JSON.stringify(Array.from(document.querySelectorAll(".question p"), (it) => it.textContent)),
      JSON.stringify(expected),
    );
  };
  await converse(page, "처음", "다음");
  await page.locator("#search").fill("처음");
  await page.locator("#list .snippet").getByText("처음").click();
  await page.locator(".turn.shown").waitFor();
  await page.locator("#new-session").click();
  await shows();
  await page.goBack();
  await shows("처음");
  await page.goBack();
  await shows("다음");
  await page.goBack();
  await shows("처음");
  for (const turns of [["다음"], ["처음"], []]) {
    await page.goForward();
    await shows(...turns);
  }
});

test("A search finds, marks and leads there", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  await converse(page, "오늘 날씨가 어때?", "기차는 언제 와?");
  await page.locator("#search").fill("날씨");
  await page.locator("#list mark").waitFor();
  assert.equal(await page.locator("#list mark").innerText(), "날씨");
  assert.equal(await page.locator("#list > p").innerText(), "1개를 찾았습니다.");
  await page.locator("#list a").click();
  await page.locator(".turn.shown").waitFor();
  assert.equal(await page.locator(".question p").innerText(), "오늘 날씨가 어때?");
  await page.locator("#search").fill("없는말");
  await page.locator("#list > p").getByText("찾은 대화가 없습니다.").waitFor();
  await page.locator("#search").press("Escape");
  await entries(page).nth(1).waitFor();
});

test("A turn is deleted, but not before a question", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  const turn = await askAndWait(page, "지울 말");
  await askAndWait(page, "남길 말");
  const icon = turn.getByRole("button", { name: "이 질문과 답 삭제" });
  await icon.click();
  await page.getByRole("dialog", { name: "이 질문과 답을 삭제할까요?" }).getByRole("button", { name: "취소" }).click();
  assert.equal(await page.locator(".turn").count(), 2);
  await icon.click();
  await page.keyboard.press("Escape");
  await icon.click();
  await remove(page).click();
  await turn.filter({ hasText: "지울 말" }).waitFor({ state: "detached" });
  await page.reload();
  await page.locator(".turn").first().waitFor();
  assert.deepEqual(await page.locator(".question p").allInnerTexts(), ["남길 말"]);
});

test("A conversation is deleted, but not before a question", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  await converse(page, "남길 말", "지울 말");
  await entries(page).nth(1).waitFor();
  await page.getByRole("button", { name: "대화 삭제: 지울 말" }).click();
  await page.getByText("마지막 말이 “지울 말”인 대화입니다.").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".turn").count(), 1);
  await page.getByRole("button", { name: "대화 삭제: 지울 말" }).click();
  await remove(page).click();
  await page.locator("body.empty").waitFor();
  await page.reload();
  await entries(page).first().waitFor();
  assert.deepEqual(await page.locator("#list .line").allInnerTexts(), ["남길 말"]);
});

test("After a deletion the keyboard is at the question", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  await converse(page, "지울 말", "남길 말");
  await page.getByRole("button", { name: "대화 삭제: 지울 말" }).click();
  await remove(page).click();
  await entries(page).nth(1).waitFor({ state: "detached" });
  assert.ok(await page.locator("#input").evaluate((it) => it === document.activeElement));
});

test("What cannot be deleted stays, and why is said", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA, { expected: ["404"] });
  const turn = await askAndWait(page, "하나");
  const id = (await turn.getAttribute("id")).replace("turn-", "");
  const user = await page.evaluate(() => localStorage.getItem("luna.user"));
  const gone = await fetch(`${LUNA}/memory/conversations/${id}?user_id=${user}`, { method: "DELETE" });
  assert.equal(gone.status, 200);
  await turn.getByRole("button", { name: "이 질문과 답 삭제" }).click();
  await remove(page).click();
  await page.locator(".problem").waitFor();
  assert.equal(await page.locator(".turn").count(), 1);
});

test("An answer that could not be remembered is marked", async () => {
  await fake.script({ steps: [{ text: "하나" }, { await: "step" }, ...END] });
  const page = await open(LUNA);
  const body =
    'data: {"type": "llm_chunk", "data": "하나"}\n\ndata: {"type": "complete", "data": "하나", "remembered": false}\n\n';
  await page.route("**/interact/stream", (route) => route.fulfill({ contentType: "text/event-stream", body }));
  await ask(page, "안녕");
  await lastTurn(page).locator("footer").getByText("기억하지 않은 대화").waitFor();
  assert.equal(await lastTurn(page).getByRole("button", { name: "이 질문과 답 삭제" }).count(), 0);
});
