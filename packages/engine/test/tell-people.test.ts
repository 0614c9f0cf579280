// A notice is delivered or it is not; whoever sends it goes on either way, and soon.
import type { Notice, Notifier } from "@cloudphoenix/engine";
import { VirtualClock } from "@cloudphoenix/testkit";
import { expect, test } from "vitest";
import { tellPeople } from "../src/waiting/tell-people.ts";

const NOTICE: Notice = { severity: "critical", title: "title", text: "text", key: "key" };
const never = new AbortController().signal;

/** A notifier that never answers, and what became of the signal it was given. */
function hung(): { readonly notifier: Notifier; readonly aborted: () => boolean } {
  let given = never;
  const notify: Notifier["notify"] = (_, signal) => {
    given = signal;
    return new Promise(() => undefined);
  };
  return { notifier: { notify }, aborted: () => given.aborted };
}

test("a notice that is delivered is nothing to speak of", async () => {
  const told: Notice[] = [];
  const notifier: Notifier = { notify: async (notice) => void told.push(notice) };
  expect(await tellPeople({ clock: new VirtualClock(), notifier }, NOTICE, never)).toBeNull();
  expect(told).toEqual([NOTICE]);
});

test("a notice that is refused is no error, and the reason is said", async () => {
  const notifier: Notifier = { notify: () => Promise.reject(new Error("no way out")) };
  const clock = new VirtualClock();
  expect(await tellPeople({ clock, notifier }, NOTICE, never)).toBe("no way out");
});

test.each([
  ["three seconds", {}, 3_000],
  ["the limit it is given", { limitMs: 10_000 }, 10_000],
])("a notice that nobody answers is given up after %s", async (_, limit, afterMs) => {
  const clock = new VirtualClock();
  const { notifier, aborted } = hung();
  let isOver = false;
  const telling = tellPeople({ clock, notifier, ...limit }, NOTICE, never);
  void telling.finally(() => (isOver = true));
  await clock.advance(afterMs - 1);
  expect(isOver).toBe(false);
  await clock.advance(1);
  expect(await telling).toBe(`the notice took longer than ${afterMs} ms`);
  expect(aborted()).toBe(true);
});

test("a notice is given up at once when its sender stops", async () => {
  const { notifier, aborted } = hung();
  const stop = new AbortController();
  const telling = tellPeople({ clock: new VirtualClock(), notifier }, NOTICE, stop.signal);
  stop.abort();
  expect(await telling).toBe("the notice was stopped");
  expect(aborted()).toBe(true);
});
