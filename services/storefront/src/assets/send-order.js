/**
 * Sends an order until somebody answers for good. What is sent, the key in it above all, is the same in
 * every try, so it is placed once however often it is sent. Nothing here knows the page: whoever gives up,
 * or closes the page, still has the form.
 */
const PAUSE_MIN_MS = 1_000;
const PAUSE_MAX_MS = 10_000;
/** Longer than any failover; after that a person decides. */
const GIVE_UP_AFTER_MS = 10 * 60_000;
/** Passing states, also those that a proxy reports without saying when to come back. */
const PASSING = new Set([408, 429, 502, 503, 504]);

export const KEPT_UNREACHABLE =
  "The shop cannot be reached right now. Your order is kept here and sent again.";
export const KEPT_CLOSED =
  "New orders are not taken at this moment. Yours is kept here and sent again.";
export const GAVE_UP =
  "Your order could not be placed yet. It is kept in the form: send it again whenever you like; it will be placed once.";

/** The answer that is final; null if there was none for ten minutes. What is going on is said all the while. */
export async function sendUntilAnswered({ send, say, pause, now, random }) {
  const endsAtMs = now() + GIVE_UP_AFTER_MS;
  for (let tries = 1; ; tries += 1) {
    const answer = await send().catch(() => null);
    if (answer !== null && !isPassing(answer)) return answer;
    const waitMs = pauseAfter(tries, answer, random);
    if (now() + waitMs > endsAtMs) {
      say(GAVE_UP);
      return null;
    }
    say(answer === null ? KEPT_UNREACHABLE : KEPT_CLOSED);
    await pause(waitMs);
  }
}

function isPassing({ status, headers }) {
  return PASSING.has(status) || (status >= 400 && headers.get("retry-after") !== null);
}

/** Never sooner than the answer asks for. */
function pauseAfter(tries, answer, random) {
  const askedMs = Number(answer?.headers.get("retry-after")) * 1_000;
  const grownMs = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** Math.min(tries - 1, 10));
  return Math.max(askedMs || 0, grownMs * (0.5 + random() / 2));
}
