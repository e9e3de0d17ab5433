// What the page says, in Korean and in English.

import { keep, kept } from "./storage.js";

const KEY = "luna.language";

const ko = {
  title: "루나",
  tagline: "오늘은 무슨 이야기를 할까요?",
  intro: "이야기를 건네면 루나가 한 단어씩 바로 답합니다.",
  examples: ["오늘 하루가 조금 힘들었어.", "주말에 뭐 하면 좋을까?", "자기 전에 짧은 이야기 하나 들려줘."],
  newSession: "새 대화",
  openList: "대화 목록 열기",
  closeList: "대화 목록 닫기",
  sidebar: "대화 목록",
  search: "대화 검색",
  searchHint: "지난 대화에서 찾기",
  found: (count, shown) => {
    if (count === 0) return "찾은 대화가 없습니다.";
    return `${count}개를 찾았습니다.` + (shown < count ? ` 가장 잘 맞는 ${shown}개입니다.` : "");
  },
  noSessions: "아직 나눈 대화가 없습니다.",
  more: "더 보기",
  earlier: "이전 내용 보기",
  log: "대화",
  you: "나",
  input: "루나에게 보낼 말",
  inputHint: "루나에게 말하기",
  keys: "Enter로 보내고 Shift+Enter로 줄을 바꿉니다.",
  send: "보내기",
  stop: "멈추기",
  toNewest: "맨 아래로",
  thinking: "답을 생각하고 있습니다",
  firstWord: (seconds) => `첫 단어까지 ${seconds}초`,
  inAll: (seconds) => `전체 ${seconds}초`,
  cached: "저장된 답",
  cachedHint: "같은 질문에 전에 한 답입니다.",
  cutAtLength: "길이 제한에 걸려 끊긴 답",
  notRemembered: "기억하지 않은 대화",
  stopped: "멈춘 답이라 기억하지 않습니다.",
  translation: "영어 번역",
  emotion: "감정",
  copy: "답 복사",
  copied: "복사했습니다.",
  notCopied: "브라우저가 막아 복사하지 못했습니다.",
  failed: "답을 받지 못했습니다",
  retry: "다시 시도",
  askAgain: "다시 묻기",
  answerIs: (text) => `루나: ${text}`,
  unreachable: "서버에 연결할 수 없습니다. 서버가 켜져 있는지 확인해 주세요.",
  broken: "답이 끝나기 전에 연결이 끊겼습니다.",
  httpError: (status) => `서버가 오류로 답했습니다(HTTP ${status}).`,
  deleteTurn: "이 질문과 답 삭제",
  deleteTurnTitle: "이 질문과 답을 삭제할까요?",
  deleteTurnText: "루나의 기억에서 지워지고, 되돌릴 수 없습니다.",
  deleteSession: (name) => `대화 삭제: ${name}`,
  deleteSessionTitle: "대화를 통째로 삭제할까요?",
  deleteSessionText: (name, count) =>
    `마지막 말이 “${name}”인 대화입니다. 나눈 이야기 ${count}개가 루나의 기억에서 모두 지워지고, 되돌릴 수 없습니다.`,
  deleted: "삭제했습니다.",
  remove: "삭제",
  cancel: "취소",
  close: "닫기",
  settings: "설정",
  languageLabel: "언어",
  theme: "화면",
  themeAuto: "기기 설정대로",
  themeLight: "밝게",
  themeDark: "어둡게",
  name: "이름",
  nameText: "이름마다 기억이 따로 있습니다. 비워 두면 default입니다.",
  signedIn: "토큰으로 로그인했습니다.",
  signOut: "로그아웃",
  signIn: "로그인",
  tokenWanted: "이 서버는 로그인한 사람에게만 답합니다.",
  signInTitle: "토큰이 필요합니다",
  signInText: "이 서버는 토큰이 있는 사람에게만 답합니다. 서버 관리자에게 받은 토큰을 넣어 주세요.",
  token: "토큰",
  rememberToken: "이 기기에 저장하기",
  badToken: "서버가 모르는 토큰입니다.",
};

const en = {
  title: "Luna",
  tagline: "What shall we talk about today?",
  intro: "Say something, and Luna answers word by word, at once.",
  examples: ["Today was a bit hard.", "What should I do this weekend?", "Tell me a short bedtime story."],
  newSession: "New conversation",
  openList: "Open the list of conversations",
  closeList: "Close the list of conversations",
  sidebar: "Conversations",
  search: "Search conversations",
  searchHint: "Search what was said",
  found: (count, shown) => {
    if (count === 0) return "Nothing found.";
    return `${count} found.` + (shown < count ? ` These are the best ${shown}.` : "");
  },
  noSessions: "No conversations yet.",
  more: "Show more",
  earlier: "Show earlier",
  log: "Conversation",
  you: "You",
  input: "What to say to Luna",
  inputHint: "Talk to Luna",
  keys: "Enter sends, Shift+Enter starts a new line.",
  send: "Send",
  stop: "Stop",
  toNewest: "To the newest",
  thinking: "Luna is thinking",
  firstWord: (seconds) => `First word after ${seconds} s`,
  inAll: (seconds) => `${seconds} s in all`,
  cached: "Kept answer",
  cachedHint: "Luna gave this answer to the same question before.",
  cutAtLength: "Cut at the longest length",
  notRemembered: "Not remembered",
  stopped: "Stopped, and so not remembered.",
  translation: "Translation",
  emotion: "Emotion",
  copy: "Copy the answer",
  copied: "Copied.",
  notCopied: "The browser did not let it be copied.",
  failed: "There is no answer",
  retry: "Try again",
  askAgain: "Ask again",
  answerIs: (text) => `Luna: ${text}`,
  unreachable: "The server cannot be reached. Is it running?",
  broken: "The connection broke before the answer had ended.",
  httpError: (status) => `The server answered with an error (HTTP ${status}).`,
  deleteTurn: "Delete this turn",
  deleteTurnTitle: "Delete this turn?",
  deleteTurnText: "The question and its answer leave Luna's memory for good.",
  deleteSession: (name) => `Delete the conversation: ${name}`,
  deleteSessionTitle: "Delete the whole conversation?",
  deleteSessionText: (name, count) =>
    `The one that ends with “${name}”. ` +
    (count === 1 ? "Its one turn leaves Luna's memory for good." : `Its ${count} turns leave Luna's memory for good.`),
  deleted: "Deleted.",
  remove: "Delete",
  cancel: "Cancel",
  close: "Close",
  settings: "Settings",
  languageLabel: "Language",
  theme: "Appearance",
  themeAuto: "As on this device",
  themeLight: "Light",
  themeDark: "Dark",
  name: "Name",
  nameText: "Each name has a memory of its own. Without one it is default.",
  signedIn: "You are signed in with a token.",
  signOut: "Sign out",
  signIn: "Sign in",
  tokenWanted: "This server answers only those who are signed in.",
  signInTitle: "A token is needed",
  signInText: "This server answers only those who have a token. Enter the one that its operator gave you.",
  token: "Token",
  rememberToken: "Keep it on this device",
  badToken: "The server does not know this token.",
};

// GoEmotions' 28 labels: in Korean, in English, and what they are like.
const EMOTIONS = {
  admiration: ["감탄", "Admiration", "warm"],
  amusement: ["즐거움", "Amusement", "warm"],
  anger: ["분노", "Anger", "hot"],
  annoyance: ["짜증", "Annoyance", "hot"],
  approval: ["동의", "Approval", "warm"],
  caring: ["배려", "Caring", "warm"],
  confusion: ["혼란", "Confusion", "open"],
  curiosity: ["호기심", "Curiosity", "open"],
  desire: ["바람", "Desire", "warm"],
  disappointment: ["실망", "Disappointment", "cool"],
  disapproval: ["반대", "Disapproval", "hot"],
  disgust: ["혐오", "Disgust", "hot"],
  embarrassment: ["당황", "Embarrassment", "cool"],
  excitement: ["설렘", "Excitement", "warm"],
  fear: ["두려움", "Fear", "cool"],
  gratitude: ["고마움", "Gratitude", "warm"],
  grief: ["비통", "Grief", "cool"],
  joy: ["기쁨", "Joy", "warm"],
  love: ["사랑", "Love", "warm"],
  nervousness: ["긴장", "Nervousness", "cool"],
  optimism: ["낙관", "Optimism", "warm"],
  pride: ["자부심", "Pride", "warm"],
  realization: ["깨달음", "Realization", "open"],
  relief: ["안도", "Relief", "warm"],
  remorse: ["후회", "Remorse", "cool"],
  sadness: ["슬픔", "Sadness", "cool"],
  surprise: ["놀람", "Surprise", "open"],
  neutral: ["중립", "Neutral", "calm"],
};

const preferred = () => ((navigator.languages ?? [navigator.language])[0].startsWith("ko") ? "ko" : "en");

let chosen = kept(KEY) ?? preferred();

// `ko` or `en`: that of the browser, unless the person has chosen.
export const language = () => chosen;
export const words = () => (chosen === "ko" ? ko : en);

export function setLanguage(name) {
  chosen = name;
  keep(KEY, name);
}

// Writes the words into what is there: data-words="key" is an element's text, data-label and
// data-placeholder are its attributes.
export function translate(root) {
  document.documentElement.lang = chosen;
  document.title = words().title;
  for (const element of root.querySelectorAll("[data-words]")) element.textContent = words()[element.dataset.words];
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", words()[element.dataset.label]);
    if (element.matches("button")) element.title = words()[element.dataset.label];
  }
  for (const element of root.querySelectorAll("[data-placeholder]")) {
    element.placeholder = words()[element.dataset.placeholder];
  }
}

// {name, tone}; a label that the page does not know is its own name.
export function emotion(label) {
  const [korean, english, tone] = EMOTIONS[label] ?? [label, label, "calm"];
  return { name: chosen === "ko" ? korean : english, tone };
}

export function seconds(milliseconds) {
  const digits = milliseconds < 10_000 ? 2 : 0;
  return (milliseconds / 1000).toLocaleString(chosen, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export const percent = (share) => share.toLocaleString(chosen, { style: "percent" });

// The time of today, else the day.
export function when(timestamp) {
  const time = new Date(timestamp);
  const today = time.toDateString() === new Date().toDateString();
  const sameYear = time.getFullYear() === new Date().getFullYear();
  const form = today
    ? { hour: "numeric", minute: "2-digit" }
    : { month: "short", day: "numeric", ...(sameYear ? {} : { year: "numeric" }) };
  return new Intl.DateTimeFormat(chosen, form).format(time);
}
