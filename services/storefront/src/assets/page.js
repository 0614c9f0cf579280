/**
 * What the page does by itself: it keeps what changes up to date, and it sends an order again, under
 * the same key, until somebody says that it has it. Everything works without it, with reloads.
 */
import { sendUntilAnswered } from "./send-order.js";

const ATTEMPT_MS = 15_000;
const now = () => performance.now();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Replaces what an element holds by what `data-refresh` answers, every `data-every` ms, until it is `data-last`. */
async function keepFresh(element) {
  for (;;) {
    await pause(Number(element.dataset.every));
    if (document.hidden) continue;
    try {
      const answer = await fetch(element.dataset.refresh, {
        signal: AbortSignal.timeout(ATTEMPT_MS),
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const text = await answer.text();
      // Screen readers read the panel again whenever it changes, so it changes only with its content.
      if (text === element.dataset.shown) continue;
      element.dataset.shown = text;
      const fresh = new DOMParser().parseFromString(text, "text/html");
      element.replaceChildren(...fresh.body.childNodes);
      if (element.querySelector("[data-last]") !== null) return;
    } catch {
      delete element.dataset.shown;
      const lost = document.createElement("p");
      lost.className = "bad";
      lost.textContent = element.dataset.lost;
      element.replaceChildren(lost);
    }
  }
}

for (const element of document.querySelectorAll("[data-refresh]")) void keepFresh(element);

const form = document.querySelector("form[data-keep]");
let sending = false;

async function sendOnce() {
  if (sending) return;
  sending = true;
  const place = document.querySelector("#say");
  const say = (sentence) => {
    place.textContent = sentence;
  };
  say("Sending your order …");
  // Read once: what is typed meanwhile is another order.
  const body = new URLSearchParams(new FormData(form));
  const send = () =>
    fetch(form.action, { method: "POST", body, signal: AbortSignal.timeout(ATTEMPT_MS) });
  const answer = await sendUntilAnswered({ send, say, pause, now, random: Math.random });
  if (answer?.ok) location.assign(answer.url);
  // Something is wrong with the order itself: the page that says what comes from sending it plainly.
  else if (answer !== null) form.submit();
  sending = false;
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  void sendOnce();
});
