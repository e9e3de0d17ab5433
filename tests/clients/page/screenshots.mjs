// Pictures of the page: screenshots.py starts what this needs. `node screenshots.mjs [README.png]`

import { mkdir } from "node:fs/promises";

import { END, GUARDED, TRANSLATING, fake, launch } from "./browser.mjs";

const FOLDER = "build/screenshots";
const DESKTOP = { width: 1200, height: 750 };
const PHONE = { width: 390, height: 844 };
const USER = "지민";

const TALK = [
  [
    "오늘 발표를 잘 마쳤어! 준비한 만큼 잘된 것 같아 정말 기뻐.",
    "I finished my presentation today! I am so happy that it went as well as I had prepared.",
  ],
  [
    "이제 조금 쉬고 싶은데, 주말에 혼자 다녀올 만한 곳이 있을까?",
    "Now I would like to rest a little. Is there a place that I could visit alone this weekend?",
  ],
];
const ANSWERS = [
  "정말 축하해요! 오래 준비한 발표를 잘 마쳤다니 저도 기뻐요.\n\n떨리는 마음을 안고도 끝까지 해낸 건 지민 님의 힘이에요. 오늘 저녁만큼은 스스로를 마음껏 칭찬해 주세요.",
  "고생한 뒤의 쉼이라면 조용한 곳이 좋겠어요.\n\n강릉의 바닷가는 어떠세요? 기차로 두 시간이면 닿고, 안목해변의 카페에서 파도 소리를 들으며 책을 읽기 좋아요. 가까운 곳을 찾으신다면 서울 성북동 길을 천천히 걸어 보세요. 오래된 찻집과 작은 미술관이 이어져서 혼자 걷기에 알맞아요.\n\n어느 쪽이든, 이번에는 아무 계획 없이 다녀오셔도 괜찮아요.",
];
const BEFORE = ["요즘 잠이 잘 안 와서 걱정이야.", "엄마 생신 선물로 뭐가 좋을까?", "면접 전날이라 너무 긴장돼."];

// Every text is translated first, in a call of its own, and then answered.
const script = (english, ...steps) => ({
  steps: [
    { text: english, stream: false },
    { finish: "STOP", stream: false },
    ...steps.map((step) => ({ ...step, stream: true })),
  ],
});
const whole = (english, text) => script(english, { text }, ...END);

const browser = await launch();
const only = process.argv[2];
if (only) await readmePicture(only);
else await allPictures();
await browser.close();

async function readmePicture(path) {
  const page = await visit(DESKTOP, "light");
  await speakBefore(page);
  await speak(page, 0);
  await halfAnswer(page);
  await page.screenshot({ path });
  await finishAnswer(page);
}

async function allPictures() {
  await mkdir(FOLDER, { recursive: true });
  for (const [device, size] of [
    ["desktop", DESKTOP],
    ["phone", PHONE],
  ]) {
    for (const colours of ["light", "dark"]) await pictures(`${device}-${colours}`, size, colours);
  }
}

async function pictures(name, size, colours) {
  const page = await visit(size, colours);
  await forgetAll();
  await speakBefore(page);
  if (size === DESKTOP) await page.locator("#input").blur();
  const save = async (what) => page.screenshot({ path: `${FOLDER}/${name}-${what}.png` });
  await save("1-rest");
  await speak(page, 0);
  await halfAnswer(page);
  await save("2-stream");
  await finishAnswer(page);
  await page.locator("details summary").first().click();
  await page.locator("#scroller").evaluate((it) => (it.scrollTop = 0));
  await save("3-answer");
  await page.locator("#scroller").evaluate((it) => (it.scrollTop = it.scrollHeight));
  await fake.script({
    status: 503,
    body: { error: { code: 503, message: "The model is overloaded. Please try again later." } },
  });
  await ask(page, "방금 말한 카페 이름을 알려 줘.");
  await page.locator(".failure button").waitFor();
  await save("4-error");
  if (size === PHONE) await page.locator("#open-list").click();
  await page.locator("#search").fill("강릉");
  await page.locator("#list mark").first().waitFor();
  await page.locator("#sidebar").evaluate((it) => Promise.all(it.getAnimations().map(({ finished }) => finished)));
  await save("5-search");
  await page.locator("#search").fill("");
  await page.locator("#list li .icon").last().waitFor();
  await page.locator("#list li .icon").last().click();
  await save("6-delete");
  await page.keyboard.press("Escape");
  await page.locator("#open-settings").click();
  await save("7-settings");
  await page.context().close();

  const guarded = await visit(size, colours, GUARDED);
  await guarded.locator("#sign-in[open]").waitFor();
  await guarded.screenshot({ path: `${FOLDER}/${name}-8-token.png` });
  await guarded.context().close();
}

async function visit(viewport, colorScheme, server = TRANSLATING) {
  const phone = viewport === PHONE;
  const context = await browser.newContext({
    locale: "ko-KR",
    viewport,
    colorScheme,
    hasTouch: phone,
    isMobile: phone,
  });
  const page = await context.newPage();
  await page.addInitScript(`localStorage.setItem("luna.user", ${JSON.stringify(USER)})`);
  await page.goto(server);
  await page.locator("#list > *").first().waitFor({ state: "attached" });
  return page;
}

async function forgetAll() {
  const url = `${TRANSLATING}/memory/clear?${new URLSearchParams({ user_id: USER, confirm: true })}`;
  await fetch(url, { method: "DELETE" });
}

async function ask(page, text) {
  await page.locator("#input").fill(text);
  await page.locator("#input").press("Enter");
}

async function answered(page, count) {
  await page
    .locator(".turn[data-state=done]")
    .nth(count - 1)
    .waitFor();
}

async function speakBefore(page) {
  for (const text of BEFORE) {
    await fake.script(whole("Something of before.", "그 마음 알 것 같아요. 조금 더 이야기해 주시겠어요?"));
    await ask(page, text);
    await answered(page, 1);
    await page.locator('a[href="#"]:visible').click();
  }
  await page.mouse.move(0, 0);
}

async function speak(page, at) {
  const [question, english] = TALK[at];
  await fake.script(whole(english, ANSWERS[at]));
  await ask(page, question);
  await answered(page, at + 1);
}

// The second answer, up to its half.
async function halfAnswer(page) {
  const [question, english] = TALK[1];
  const half = ANSWERS[1].indexOf("가까운");
  await fake.script(
    script(english, { text: ANSWERS[1].slice(0, half) }, { await: "step" }, { text: ANSWERS[1].slice(half) }, ...END),
  );
  await ask(page, question);
  await page.locator(".turn").last().getByText("책을 읽기 좋아요.").waitFor();
}

async function finishAnswer(page) {
  await fake.step();
  await answered(page, 2);
}
