/**
 * What the page does by itself: it keeps what changes up to date, and it sends an order again, under
 * the same key, until somebody says that it has it. Everything works without it, with reloads.
 */
const PAUSE_MIN_MS = 1_000;
const PAUSE_MAX_MS = 10_000;
const ATTEMPT_MS = 15_000;
/** Passing states: the same form may be sent again. */
const AGAIN = new Set([408, 409, 429, 502, 503, 504]);

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

/** Sends the form until it is answered for good. */
async function send(form, say) {
  const body = new URLSearchParams(new FormData(form));
  for (let tries = 1; ; tries += 1) {
    const answer = await attempt(form.action, body);
    if (answer !== null && !AGAIN.has(answer.status)) return answer;
    say.textContent =
      answer === null
        ? "The shop cannot be reached right now. Your order is kept here and sent again."
        : "New orders are not taken at this moment. Yours is kept here and sent again.";
    await pause(pauseAfter(tries, answer));
  }
}

async function attempt(url, body) {
  try {
    return await fetch(url, { method: "POST", body, signal: AbortSignal.timeout(ATTEMPT_MS) });
  } catch {
    return null;
  }
}

function pauseAfter(tries, answer) {
  const asked = Number(answer?.headers.get("retry-after")) * 1_000;
  const grown = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** Math.min(tries - 1, 10));
  return Math.max(asked || 0, grown * (0.5 + Math.random() / 2));
}

for (const element of document.querySelectorAll("[data-refresh]")) void keepFresh(element);

const form = document.querySelector("form[data-keep]");
let sending = false;

async function sendOnce() {
  if (sending) return;
  sending = true;
  const say = document.querySelector("#say");
  say.textContent = "Sending your order …";
  const answer = await send(form, say);
  if (answer.ok) location.assign(answer.url);
  // Something is wrong with the order itself: the page that says what comes from sending it plainly.
  else form.submit();
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  void sendOnce();
});
