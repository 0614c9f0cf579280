import type { Observation, VantageSight } from "@cloudphoenix/core";
import { describe, expect, onTestFinished, test } from "vitest";
import type { CanaryGroup, ProbeTarget } from "../src/probe-target.ts";
import { ProbeWheel } from "../src/probe-wheel.ts";
import { ManualClock, until } from "./manual-clock.ts";
import { startHttp, startTcp } from "./targets.ts";

const HEALTHY = JSON.stringify({ status: "healthy" });

interface World {
  readonly wheel: ProbeWheel;
  readonly clock: ManualClock;
  readonly seen: Observation[];
  readonly sights: VantageSight[];
}

function startWheel(
  targets: readonly Partial<ProbeTarget>[],
  canaries: readonly CanaryGroup[] = [],
): World {
  const clock = new ManualClock();
  const seen: Observation[] = [];
  const sights: VantageSight[] = [];
  const wheel = new ProbeWheel({
    targets: targets.map((target) => ({
      signal: "aws-health",
      vantage: "control",
      url: "",
      expect: "health-json",
      intervalMs: 1000,
      timeoutMs: 500,
      ...target,
    })),
    canaries,
    clock,
    random: { next: () => 0 },
  });
  wheel.start({
    observed: (observation) => seen.push(observation),
    sighted: (sight) => sights.push(sight),
  });
  onTestFinished(() => wheel.stop());
  return { wheel, clock, seen, sights };
}

/** Passes time, answering every question before it goes on, until `done`. */
async function passUntil(world: World, done: () => boolean): Promise<void> {
  while (!done()) {
    await world.clock.step(10);
    await until(() => world.wheel.metrics().inFlight === 0);
  }
}

/** Lets time pass until one more question is asked and answered. */
async function nextAnswer(world: World): Promise<void> {
  const wanted = world.wheel.metrics().probes + 1;
  await passUntil(world, () => world.wheel.metrics().probes >= wanted);
}

describe("the probe wheel", () => {
  test("asks every interval over one kept connection and reports what it heard", async () => {
    const target = await startHttp((_request, response) => response.end(HEALTHY));
    const world = startWheel([{ url: target.url }]);
    for (let round = 0; round < 4; round += 1) await nextAnswer(world);
    expect(world.seen).toHaveLength(4);
    expect(world.seen[0]).toMatchObject({
      signal: "aws-health",
      vantage: "control",
      status: "healthy",
      detail: "says healthy",
    });
    expect(world.seen[0]?.latencyMs).not.toBeNull();
    const times = world.seen.map((observation) => observation.atMs);
    // The clock passes in steps of 10 ms; on a busy machine a question may go out one step later.
    for (const [index, atMs] of times.slice(1).entries()) {
      expect(Math.abs(atMs - (times[index] ?? 0) - 1000)).toBeLessThanOrEqual(10);
    }
    expect(target.connections).toBe(1);
  });

  test("opens a new connection for every twelfth question and counts its failure apart", async () => {
    const target = await startHttp((_request, response) => response.end(HEALTHY));
    const world = startWheel([{ url: target.url }]);
    for (let round = 0; round < 11; round += 1) await nextAnswer(world);
    expect(target.connections).toBe(1);
    await nextAnswer(world);
    expect(target.connections).toBe(2);
    expect(world.wheel.metrics()).toMatchObject({ freshProbes: 1, freshFailures: 0 });
    for (let round = 0; round < 11; round += 1) await nextAnswer(world);
    await target.stop();
    await nextAnswer(world);
    expect(world.seen.at(-1)).toMatchObject({ status: "unhealthy", detail: "connection refused" });
    expect(world.wheel.metrics()).toMatchObject({ freshProbes: 2, freshFailures: 1 });
  });

  test("gives up at the timeout on a target that accepts and never answers", async () => {
    const target = await startTcp(() => {});
    const world = startWheel([{ url: target.url, timeoutMs: 400 }]);
    await world.clock.passUntil(() => world.wheel.metrics().probes === 1);
    await until(() => target.connections === 1);
    const askedAtMs = world.clock.now();
    await world.clock.passUntil(() => world.seen.length === 1);
    expect(world.clock.now() - askedAtMs).toBe(400);
    expect(world.seen).toEqual([
      {
        signal: "aws-health",
        vantage: "control",
        atMs: askedAtMs,
        status: "unhealthy",
        detail: "no answer within 400 ms",
        latencyMs: null,
      },
    ]);
  });

  test("gives up at the timeout on a target that drips its answer for ever", async () => {
    const target = await startTcp((socket) => {
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"));
    });
    const world = startWheel([{ url: target.url, timeoutMs: 400 }]);
    await world.clock.passUntil(() => world.seen.length === 1);
    expect(world.seen[0]).toMatchObject({ status: "unhealthy", detail: "no answer within 400 ms" });
  });

  test("skips and counts, never queues, when a target is slower than its interval", async () => {
    const target = await startTcp(() => {});
    const world = startWheel([{ url: target.url, intervalMs: 1000, timeoutMs: 2500 }]);
    await world.clock.passUntil(() => world.seen.length === 2);
    expect(world.wheel.metrics()).toMatchObject({ probes: 2, overruns: 4 });
    expect(target.connections).toBeLessThanOrEqual(2);
  });

  test.each([
    ["refuses", "connection refused", null],
    ["resets", "connection reset", "reset"],
    [
      "ends in the middle of its answer",
      "it closed the connection in the middle of its answer",
      "half",
    ],
    ["speaks another protocol", "its answer is not HTTP/1.1", "noise"],
  ])("says unhealthy for a target that %s", async (_what, detail, trick) => {
    const target = await startTcp((socket) => {
      if (trick === "noise") socket.end("SSH-2.0-OpenSSH_9.2\r\n");
      socket.on("data", () => {
        if (trick === "half") socket.end("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{");
        else socket.resetAndDestroy();
      });
    });
    if (trick === null) await target.stop();
    const world = startWheel([{ url: target.url }]);
    await nextAnswer(world);
    expect(world.seen[0]).toMatchObject({ status: "unhealthy", latencyMs: null });
    expect(world.seen[0]?.detail).toMatch(detail);
  });

  test("asks again at once when a kept connection had gone stale, and blames nobody", async () => {
    let answers = 0;
    const target = await startTcp((socket) => {
      socket.on("data", () => {
        answers += 1;
        // The second question on a connection meets the end of it, as with an idle timeout.
        if (answers === 2) socket.resetAndDestroy();
        else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${HEALTHY.length}\r\n\r\n${HEALTHY}`);
      });
    });
    const world = startWheel([{ url: target.url }]);
    await nextAnswer(world);
    await nextAnswer(world);
    expect(world.seen.map((observation) => observation.status)).toEqual(["healthy", "healthy"]);
    expect(world.wheel.metrics().staleConnections).toBe(1);
    expect(target.connections).toBe(2);
  });

  test("reads no more than 64 KiB", async () => {
    const target = await startHttp((_request, response) => response.end("x".repeat(200_000)));
    const world = startWheel([{ url: target.url }]);
    await nextAnswer(world);
    expect(world.seen[0]).toMatchObject({
      status: "unhealthy",
      detail: "HTTP 200 with a body that is too long",
    });
  });

  test.each(["ftp://127.0.0.1/health", "not a url", ""])(
    "cannot ask %j, and says unknown",
    async (url) => {
      const world = startWheel([{ url }]);
      await nextAnswer(world);
      expect(world.seen[0]).toMatchObject({ status: "unknown", latencyMs: null });
    },
  );

  test("sends the headers of a target and shows them to nobody", async () => {
    let heard: string | undefined;
    const target = await startHttp((request, response) => {
      heard = request.headers.authorization;
      response.statusCode = 500;
      response.end();
    });
    const world = startWheel([{ url: target.url, headers: { authorization: "Bearer secret" } }]);
    await nextAnswer(world);
    expect(heard).toBe("Bearer secret");
    expect(JSON.stringify(world.seen)).not.toContain("secret");
  });

  test("says unknown for a header that cannot be sent", async () => {
    const target = await startHttp((_request, response) => response.end(HEALTHY));
    const world = startWheel([{ url: target.url, headers: { authorization: "a\nb" } }]);
    await nextAnswer(world);
    expect(world.seen[0]).toMatchObject({ status: "unknown" });
  });

  test("spreads its questions over the interval", async () => {
    const target = await startHttp((_request, response) => response.end(HEALTHY));
    const many = Array.from({ length: 40 }, (_, index) => ({
      signal: `signal-${index}`,
      url: target.url,
    }));
    const world = startWheel(many);
    await passUntil(world, () => world.seen.length >= 40);
    const instants = new Set(world.seen.map((observation) => observation.atMs));
    // 10 phases of 100 ms fit into the interval; 40 targets leave few of them empty.
    expect(instants.size).toBeGreaterThan(5);
  });

  test("says nothing more once it is stopped, and leaves no question open", async () => {
    const target = await startTcp(() => {});
    const world = startWheel([{ url: target.url }]);
    await world.clock.passUntil(() => world.wheel.metrics().probes === 1);
    await until(() => target.connections === 1);
    await world.wheel.stop();
    await world.clock.pass(2000);
    expect(world.seen).toEqual([]);
  });
});

describe("a process that was stopped for a while", () => {
  test("does not blame its targets for the time it missed", async () => {
    const waiting: (() => void)[] = [];
    const target = await startHttp((_request, response) => {
      waiting.push(() => response.end(HEALTHY));
    });
    const world = startWheel([{ url: target.url, timeoutMs: 500 }]);
    await world.clock.passUntil(() => world.wheel.metrics().probes === 1);
    await until(() => waiting.length === 1);
    // The answer arrives while this process sleeps; it must be read before the timeout strikes.
    await world.clock.step(60_000);
    waiting[0]?.();
    await until(() => world.seen.length === 1);
    expect(world.seen[0]).toMatchObject({ status: "healthy" });
    expect(world.wheel.metrics().stalledMs).toBeGreaterThan(59_000);
  });

  test.each([3_600_000, -3_600_000])("goes on when the clock jumps by %i ms", async (jumpMs) => {
    const target = await startHttp((_request, response) => response.end(HEALTHY));
    const world = startWheel([{ url: target.url }]);
    await nextAnswer(world);
    world.clock.jump(jumpMs);
    await nextAnswer(world);
    expect(world.seen.map((observation) => observation.status)).toEqual(["healthy", "healthy"]);
  });
});

function group(...urls: readonly string[]): CanaryGroup {
  return { vantage: "control", urls, intervalMs: 1000, timeoutMs: 500 };
}

describe("the sight of a vantage", () => {
  test("is lost with the first failing probe when the canaries are silent too", async () => {
    const target = await startHttp((_request, response) => response.end(HEALTHY));
    const canary = await startHttp((_request, response) => response.end("ok"));
    const world = startWheel([{ url: target.url, intervalMs: 700 }], [group(canary.url)]);
    await passUntil(world, () => world.sights.at(-1)?.sees === true && world.seen.length > 0);
    await Promise.all([target.stop(), canary.stop()]);
    await passUntil(world, () => world.seen.at(-1)?.status === "unhealthy");
    const failedAtMs = world.clock.now();
    await passUntil(world, () => world.sights.at(-1)?.sees === false);
    expect(world.clock.now() - failedAtMs).toBeLessThanOrEqual(1000);
  });

  test("is not lost when probes fail and a canary answers, and canaries are not flooded", async () => {
    const targets = await Promise.all(
      Array.from({ length: 10 }, () => startTcp((socket) => socket.resetAndDestroy())),
    );
    const canary = await startHttp((_request, response) => response.end("ok"));
    const world = startWheel(
      targets.map(({ url }, index) => ({ url, signal: `signal-${index}` })),
      [group(canary.url)],
    );
    await passUntil(world, () => world.seen.length >= 100);
    expect(world.sights.every((sight) => sight.sees)).toBe(true);
    // Ten rounds of ten failing targets take ten seconds: one canary in turn and four out of turn each.
    expect(canary.requests).toBeLessThanOrEqual(55);
    expect(canary.requests).toBeGreaterThan(12);
  });

  test("is not lost because targets answer that they are unhealthy", async () => {
    const target = await startHttp((_request, response) => {
      response.statusCode = 500;
      response.end();
    });
    const canary = await startHttp((_request, response) => response.end("ok"));
    const world = startWheel([{ url: target.url }], [group(canary.url)]);
    await passUntil(world, () => world.sights.at(-1)?.sees === true && world.seen.length > 0);
    await canary.stop();
    const wentSilentAtMs = world.clock.now();
    await passUntil(world, () => world.sights.at(-1)?.sees === false);
    expect(world.clock.now() - wentSilentAtMs).toBeGreaterThan(1000);
  });

  test("is there as long as one canary answers", async () => {
    const good = await startHttp((_request, response) => response.end("ok"));
    const bad = await startTcp((socket) => socket.resetAndDestroy());
    const world = startWheel([], [group(good.url, bad.url)]);
    await passUntil(world, () => world.wheel.metrics().probes >= 8);
    expect(world.sights.length).toBeGreaterThan(4);
    expect(world.sights.every((sight) => sight.sees && sight.vantage === "control")).toBe(true);
  });

  test("is lost when none has answered in the last two intervals, and comes back", async () => {
    const state = { ok: true };
    const canary = await startHttp((_request, response) => {
      response.statusCode = state.ok ? 200 : 502;
      response.end();
    });
    const world = startWheel([], [group(canary.url)]);
    const lastSees = (): boolean | undefined => world.sights.at(-1)?.sees;
    await passUntil(world, () => lastSees() === true);
    state.ok = false;
    const wentBadAtMs = world.clock.now();
    await passUntil(world, () => lastSees() === false);
    expect(world.clock.now() - wentBadAtMs).toBeGreaterThan(1000);
    expect(world.clock.now() - wentBadAtMs).toBeLessThanOrEqual(3000);
    state.ok = true;
    await passUntil(world, () => lastSees() === true);
  });

  test("is not claimed before anything is known", async () => {
    const canary = await startTcp((socket) => socket.resetAndDestroy());
    const world = startWheel([], [group(canary.url)]);
    await passUntil(world, () => world.wheel.metrics().probes === 2);
    expect(world.sights).toEqual([]);
    await passUntil(world, () => world.sights.length > 0);
    expect(world.sights[0]).toMatchObject({ sees: false });
  });
});
