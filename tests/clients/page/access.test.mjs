// Who may use the page, and who can: tokens, names, languages, keyboards, screen readers, phones.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  GUARDED,
  LUNA,
  TOKEN,
  TRANSLATING,
  WHOLE,
  accessibilityProblems,
  ask,
  askAndWait,
  converse,
  fake,
  lastTurn,
  open,
  useBrowser,
} from "./browser.mjs";

useBrowser();

const PHONE = { width: 360, height: 740 };
const ON_PHONE = { viewport: PHONE, hasTouch: true, isMobile: true };

async function signIn(page, token, remember = false) {
  await page.locator("#sign-in[open]").waitFor();
  await page.locator("#token").fill(token);
  await page.locator("#remember").setChecked(remember);
  await page.getByRole("button", { name: "로그인", exact: true }).last().click();
}

test("A server with tokens asks for one, and then answers", async () => {
  await fake.script(WHOLE);
  const page = await open(GUARDED, { expected: ["401"] });
  await signIn(page, "luna_wrong");
  await page.getByText("서버가 모르는 토큰입니다.").waitFor();
  await signIn(page, TOKEN);
  await page.locator("#list .failure").waitFor({ state: "detached" });
  await askAndWait(page, "안녕");
  assert.deepEqual(
    await page.evaluate(() => [sessionStorage.getItem("luna.token"), localStorage.getItem("luna.token")]),
    [TOKEN, null],
  );
  await page.reload();
  await page.locator(".turn").waitFor();

  await page.locator("#open-settings").click();
  assert.equal(await page.locator("#name").isVisible(), false);
  await page.getByRole("button", { name: "로그아웃" }).click();
  await page.locator("#sign-in[open]").waitFor();
  assert.equal(await page.locator(".turn").count(), 0);
  assert.equal(await page.evaluate(() => sessionStorage.getItem("luna.token")), null);
});

test("What no token can be is refused as one", async () => {
  const page = await open(GUARDED, { expected: ["401"] });
  await signIn(page, "비밀");
  await page.getByText("서버가 모르는 토큰입니다.").waitFor();
});

test("A token is kept on this device where that is wanted", async () => {
  const page = await open(GUARDED, { expected: ["401"] });
  await signIn(page, TOKEN, true);
  await page.locator("#sign-in").waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => localStorage.getItem("luna.token")), TOKEN);
});

test("A question that was refused for want of a token is asked again", async () => {
  await fake.script(WHOLE);
  const page = await open(GUARDED, { expected: ["401"] });
  await page.locator("#sign-in[open]").waitFor();
  await page.keyboard.press("Escape");
  await ask(page, "안녕");
  await signIn(page, TOKEN);
  await lastTurn(page).getByRole("button", { name: "다시 시도" }).click();
  await lastTurn(page).and(page.locator("[data-state=done]")).waitFor();
});

test("A browser that keeps nothing does for as long as the page is open", async () => {
  await fake.script(WHOLE);
  const script = `for (const name of ["localStorage", "sessionStorage"]) {
    Object.defineProperty(window, name, { get() { throw new DOMException("blocked", "SecurityError"); } });
  }`;
  const page = await open(GUARDED, { expected: ["401"], script });
  await signIn(page, TOKEN, true);
  await askAndWait(page, "안녕");
  await page.locator("#open-settings").click();
  await page.locator("#theme").selectOption("dark");
  await page.locator("#language").selectOption("en");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.locator("#sign-in[open]").waitFor();
});

test("The page has its policy beside tokens too", async () => {
  for (const server of [LUNA, GUARDED]) {
    const response = await fetch(`${server}/`);
    assert.equal(response.status, 200);
    assert.match(
      response.headers.get("Content-Security-Policy"),
      /^default-src 'none'; script-src 'self';.* frame-ancestors 'none'/,
    );
  }
});

test("The policy lets no script in that is not the page's", async () => {
  const page = await open(LUNA, { expected: ["Content Security Policy", "TrustedHTML", "TrustedScript"] });
  const ran = await page.evaluate(() => {
    const script = document.createElement("script");
    try {
      script.textContent = "globalThis.owned = true";
      document.body.append(script);
    } catch {
      // Trusted Types refuse the assignment
    }
    try {
      document.body.innerHTML = "<img src=x onerror='globalThis.owned = true'>";
    } catch {
      // the same
    }
    return [globalThis.owned, document.images.length];
  });
  assert.deepEqual(ran, [undefined, 0]);
});

test("Each name has a memory of its own", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  await askAndWait(page, "안녕");
  await page.locator("#open-settings").click();
  await page.locator("#name").fill(`other-${process.pid}`);
  await page.locator("#name").press("Enter");
  await page.locator("#list").getByText("아직 나눈 대화가 없습니다.").waitFor();
  assert.equal(await page.locator("#who").innerText(), `other-${process.pid}`);
  assert.equal(await page.locator(".turn").count(), 0);
});

test("It speaks the browser's language until another is chosen", async () => {
  await fake.script({ status: 503, body: "no" });
  const page = await open(LUNA, { locale: "en-US" });
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  assert.equal(await page.locator("h1").innerText(), "What shall we talk about today?");
  await ask(page, "I am so happy!");
  await lastTurn(page).getByRole("button", { name: "Try again" }).waitFor();
  assert.match(await lastTurn(page).locator(".emotion").innerText(), /[A-Z][a-z]+ \d+%/);
  await page.locator("#open-settings").click();
  await page.locator("#language").selectOption("ko");
  assert.equal(await page.locator("html").getAttribute("lang"), "ko");
  await page.keyboard.press("Escape");
  assert.match(await lastTurn(page).locator(".emotion").innerText(), /[가-힣]+ \d+%/);
  assert.equal(await lastTurn(page).locator(".failure strong").innerText(), "답을 받지 못했습니다");
  await page.reload();
  assert.equal(await page.locator("html").getAttribute("lang"), "ko");
});

test("Light and dark follow the device until one is chosen", async () => {
  const page = await open(LUNA, { colorScheme: "dark" });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await background();
  await page.emulateMedia({ colorScheme: "light" });
  const light = await background();
  assert.notEqual(dark, light);
  await page.locator("#open-settings").click();
  await page.locator("#theme").selectOption("dark");
  assert.equal(await background(), dark);
  await page.reload();
  assert.equal(await background(), dark);
});

test("Everything is reached by the keyboard, and shows its focus", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  await askAndWait(page, "안녕");
  const reached = new Set();
  for (let n = 0; n < 20; ++n) {
    await page.keyboard.press("Tab");
    const [name, visible] = await page.evaluate(() => {
      const it = document.activeElement;
      const shown = it.matches("#input") || getComputedStyle(it).outlineStyle !== "none";
      return [it.id || it.getAttribute("aria-label") || it.tagName, it === document.body || shown];
    });
    assert.ok(visible, name);
    reached.add(name);
  }
  for (const name of [
    "new-session",
    "search",
    "open-settings",
    "scroller",
    "input",
    "답 복사",
    "이 질문과 답 삭제",
    "대화 삭제: 안녕",
  ]) {
    assert.ok(reached.has(name), `${name} of ${[...reached]}`);
  }
});

test("Whoever is in the list with the keyboard stays there when it is made anew", async () => {
  await fake.script(WHOLE);
  const page = await open(LUNA);
  await converse(page, "하나", "둘");
  await page.locator("#list li").nth(1).waitFor();
  for (const focused of [page.getByRole("button", { name: "대화 삭제: 하나" }), page.locator("#list a").nth(1)]) {
    await focused.focus();
    await page.evaluate(() => {
      for (const entry of document.querySelectorAll("#list li")) entry.classList.add("old");
      document.getElementById("search").dispatchEvent(new Event("input"));
    });
    await page.waitForFunction(() => document.querySelector("#list li") && !document.querySelector("#list .old"));
    assert.ok(await focused.evaluate((it) => it === document.activeElement));
  }
});

test("A dialog stays while text in it is selected, and closes by a click beside it", async () => {
  const page = await open(LUNA);
  await page.locator("#open-settings").click();
  const { x, y } = await page.locator("#name").boundingBox();
  await page.mouse.move(x + 20, y + 5);
  await page.mouse.down();
  await page.mouse.move(5, 5);
  await page.mouse.up();
  assert.ok(await page.locator("#settings-dialog").isVisible());
  await page.mouse.click(5, 5);
  await page.locator("#settings-dialog").waitFor({ state: "hidden" });
});

test("At 360 pixels nothing is wider than the screen, and the list is a drawer", async () => {
  const wide = `https://example.com/${"a".repeat(300)}`;
  await fake.script({ steps: [{ text: wide }, ...WHOLE.steps] });
  const page = await open(LUNA, ON_PHONE);
  await askAndWait(page, wide);
  const overflow = () =>
    page.evaluate(() =>
      [document.documentElement, document.getElementById("scroller")].map((it) => it.scrollWidth - it.clientWidth),
    );
  assert.deepEqual(await overflow(), [0, 0]);
  assert.equal(await page.locator("#sidebar").isVisible(), false);
  await page.locator("#open-list").click();
  await page.locator("#list a").waitFor();
  assert.deepEqual(await overflow(), [0, 0]);
  assert.equal(await page.locator("#room").evaluate((it) => it.inert), true);
  await page.keyboard.press("Escape");
  await page.locator("#sidebar").waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.id), "open-list");
  await page.locator("#open-list").click();
  await page.locator("#list a").click();
  await page.locator("#sidebar").waitFor({ state: "hidden" });
});

test("axe finds nothing serious on a desktop in light", () => walkWithAxe({ colorScheme: "light" }));
test("axe finds nothing serious on a desktop in dark", () => walkWithAxe({ colorScheme: "dark" }));
test("axe finds nothing serious on a phone in light", () => walkWithAxe({ colorScheme: "light", ...ON_PHONE }));
test("axe finds nothing serious on a phone in dark", () => walkWithAxe({ colorScheme: "dark", ...ON_PHONE }));

async function walkWithAxe(options) {
  const still = { reducedMotion: "reduce" };
  const page = await open(TRANSLATING, { ...still, ...options });
  const check = async (place) => assert.deepEqual(await accessibilityProblems(page), [], place);
  const narrow = Boolean(options.isMobile);
  await check("at rest");
  const unary = [
    { text: "I am so happy!", stream: false },
    { finish: "STOP", stream: false },
  ];
  await fake.script({ steps: [...unary, ...WHOLE.steps.map((step) => ({ ...step, stream: true }))] });
  await askAndWait(page, "정말 기뻐!");
  const second = await askAndWait(page, "정말 기뻐!");
  await second.locator("summary").click();
  await check("an answer");
  await fake.script({ status: 503, body: "no" });
  await ask(page, "안녕");
  await lastTurn(page).locator(".failure button").waitFor();
  await check("an error");
  if (narrow) await page.locator("#open-list").click();
  await page.locator("#list li .icon").first().waitFor();
  await check("the list");
  await page.locator("#search").fill("기뻐");
  await page.locator("#list mark").first().waitFor();
  await check("a search");
  await page.locator("#search").press("Escape");
  await page.locator("#list li .icon").first().click();
  await check("the question before a deletion");
  await page.keyboard.press("Escape");
  await page.locator("#open-settings").click();
  await check("the settings");
  await page.context().close();

  const guarded = await open(GUARDED, { ...still, ...options, expected: ["401"] });
  await guarded.locator("#sign-in[open]").waitFor();
  assert.deepEqual(await accessibilityProblems(guarded), [], "the token");
}
