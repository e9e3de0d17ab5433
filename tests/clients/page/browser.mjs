// Debian's Chromium at luna's page, and the fake provider, for the tests and the screenshots.
// Environment: PAGE_LUNA, PAGE_TRANSLATING, PAGE_GUARDED (luna-servers), PAGE_TOKEN, PAGE_FAKE.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, afterEach, before, beforeEach } from "node:test";

const tools = createRequire(new URL("../../../build/tools/", import.meta.url));
const { chromium } = tools("playwright-core");
export const { source: AXE } = tools("axe-core");

export const { PAGE_LUNA: LUNA, PAGE_TRANSLATING: TRANSLATING, PAGE_GUARDED: GUARDED, PAGE_TOKEN: TOKEN } = process.env;

export const ANSWER = "인공지능의 미래는 매우 밝습니다.";
export const END = [{ finish: "STOP" }, { done: true }];
export const WHOLE = { steps: [{ text: ANSWER }, ...END] };
// Every piece waits for its step.
export const gated = (...pieces) => ({
  steps: [...pieces.flatMap((text) => [{ await: "step" }, { text }]), { await: "last" }, ...END],
});

// --- the fake provider, as tests/integration/processes.py asks it ---

async function control(method, path, body) {
  const response = await fetch(`${process.env.PAGE_FAKE}/_fake${path}`, { method, body: body && JSON.stringify(body) });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}

export const fake = {
  script: (script) => control("PUT", "/script", script),
  step: (gate = "step") => control("POST", `/step?gate=${gate}`),
  state: () => control("GET", "/state"),
  wait: (counters) => control("GET", `/wait?${new URLSearchParams(counters)}&timeout_ms=30000`),
  reset: () => control("DELETE", ""),
};

// --- the browser ---

export const launch = () =>
  chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
    ].concat(["--disable-component-update", "--disable-sync"]),
  });

let browser;
let opened;
let people = 0;

// To be called once in each file of tests.
export function useBrowser() {
  before(async () => (browser = await launch()));
  after(() => browser.close());
  beforeEach(async () => {
    opened = [];
    await fake.reset();
  });
  afterEach(async () => {
    for (const { context } of opened) await context.close();
    for (const { complaints, expected } of opened) {
      assert.deepEqual(
        complaints.filter((text) => !expected.some((word) => text.includes(word))),
        [],
      );
    }
  });
}

// A page of a person of its own. `expected`: words of complaints in the console that are meant to be there, as where the
// server answers with an error. `script`: runs in the page before its own.
export async function open(
  server,
  { expected = [], user = `person-${process.pid}-${++people}`, path = "/", script, ...options } = {},
) {
  const context = await browser.newContext({ locale: "ko-KR", viewport: { width: 1200, height: 750 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  opened.push({ context, complaints, expected });
  await page.addInitScript(
    `if (!localStorage.getItem("luna.user")) localStorage.setItem("luna.user", ${JSON.stringify(user)});`,
  );
  if (script) await page.addInitScript(script);
  await page.goto(server + path);
  await page.locator("#list > *").first().waitFor({ state: "attached" });
  return page;
}

// --- what a person does and sees ---

export async function ask(page, text) {
  await page.locator("#input").fill(text);
  await page.locator("#input").press("Enter");
}

export const lastTurn = (page) => page.locator(".turn").last();

// Asks, and waits until the answer has ended and is remembered.
export async function askAndWait(page, text) {
  const before = await page.locator(".turn").count();
  await ask(page, text);
  const turn = page.locator(".turn").nth(before);
  await turn.and(page.locator("[data-state=done][id]")).waitFor();
  return turn;
}

// Asks each question in a conversation of its own; the last one's is on the page then.
export async function converse(page, ...questions) {
  for (const question of questions) {
    await page.locator("#new-session").click();
    await askAndWait(page, question);
  }
}

export const textOf = (turn) => turn.locator(".text").textContent();

export const eventually = (page, check, argument) => page.waitForFunction(check, argument, { polling: "raf" });

// What axe finds that is serious or worse.
export async function accessibilityProblems(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("; ")}`,
    );
}
