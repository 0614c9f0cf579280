import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EventHub, type EventSink } from "../src/events/event-hub.ts";
import { freePort } from "../../../packages/local-postgres/test/free-port.ts";
import { authorized, type FakeWorld, fakeWorld } from "./fake-world.ts";

class FakeClient extends EventEmitter implements EventSink {
  text = "";
  writableLength = 0;
  destroyed = false;
  ended = false;

  write(text: string): boolean {
    this.text += text;
    return true;
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  get names(): readonly string[] {
    return [...this.text.matchAll(/^event: (.*)$/gm)].map((match) => match[1] ?? "");
  }

  get lastId(): string {
    return [...this.text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? "";
  }
}

function hubWith(...numbers: readonly number[]): EventHub {
  const hub = new EventHub({ boot: "b1", ringSize: 3, backlogMaxBytes: 1000 });
  for (const number of numbers) hub.publish("run-event", { number });
  return hub;
}

describe("the event hub", () => {
  test("sends a snapshot first, then what happens", () => {
    const hub = hubWith();
    const client = new FakeClient();
    hub.attach(client, { all: true }, undefined);
    hub.publish("decision", { number: 1 });
    expect(client.text).toBe(
      'event: snapshot\nid: b1-0\ndata: {"all":true}\n\n' +
        'event: decision\nid: b1-1\ndata: {"number":1}\n\n',
    );
  });

  test("replays exactly what a client missed", () => {
    const hub = hubWith(1);
    const before = new FakeClient();
    hub.attach(before, {}, undefined);
    hub.publish("run-event", { number: 2 });
    const { lastId } = before;
    hub.publish("run-event", { number: 3 });
    hub.publish("run-event", { number: 4 });

    const after = new FakeClient();
    hub.attach(after, {}, lastId);

    expect(after.names).toEqual(["snapshot", "run-event", "run-event"]);
    expect(after.text).toContain('{"number":3}');
    expect(after.text).toContain('{"number":4}');
    expect(after.text).not.toContain('{"number":2}');
  });

  test("lets a client that was cut off during the replay ask for the rest", () => {
    const hub = hubWith(1, 2, 3);
    const client = new FakeClient();
    hub.attach(client, {}, "b1-1");
    const [snapshotId] = /^id: (.*)$/m.exec(client.text)?.slice(1) ?? [];
    expect(snapshotId).toBe("b1-1");
  });

  test.each([
    ["left the ring", "b1-1"],
    ["belongs to another process", "b0-4"],
    ["lies in the future", "b1-99"],
    ["is nonsense", "drop table"],
  ])("sends only the snapshot when the id %s", (_, lastEventId) => {
    const hub = hubWith(1, 2, 3, 4, 5, 6);
    const client = new FakeClient();
    hub.attach(client, {}, lastEventId);
    expect(client.names).toEqual(["snapshot"]);
  });

  test("cuts off a client that does not read", () => {
    const hub = hubWith();
    const slow = new FakeClient();
    const quick = new FakeClient();
    hub.attach(slow, {}, undefined);
    hub.attach(quick, {}, undefined);
    slow.writableLength = 1001;
    hub.publish("run-event", { number: 1 });
    expect(slow.destroyed).toBe(true);
    expect(hub.clients).toBe(1);
    expect(quick.names).toEqual(["snapshot", "run-event"]);
  });

  test("forgets a client that is gone", () => {
    const hub = hubWith();
    const client = new FakeClient();
    hub.attach(client, {}, undefined);
    client.emit("close");
    expect(hub.clients).toBe(0);
  });

  test("beats so that quiet connections stay open, and ends them all at the close", () => {
    const hub = hubWith();
    const client = new FakeClient();
    hub.attach(client, {}, undefined);
    hub.beat();
    expect(client.text).toMatch(/: beat\n\n$/);
    hub.close();
    expect(client.ended).toBe(true);
  });

  test("keeps at most 2 MiB for replay", () => {
    const hub = new EventHub({ boot: "b1", ringSize: 100 });
    for (const _ of Array.from({ length: 5 })) hub.publish("decision", "x".repeat(1_000_000));
    const client = new FakeClient();
    hub.attach(client, {}, "b1-3");
    expect(client.names).toEqual(["snapshot", "decision", "decision"]);
    const tooLate = new FakeClient();
    hub.attach(tooLate, {}, "b1-2");
    expect(tooLate.names).toEqual(["snapshot"]);
  });
});

/** What `response` streams until it matches; ends the stream. */
async function read(response: Response, until: RegExp): Promise<string> {
  if (response.body === null) throw new Error("the answer has no body");
  let text = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (until.test(text)) break;
  }
  return text;
}

describe("GET /v1/events", () => {
  let world: FakeWorld;
  let url = "";

  beforeEach(async () => {
    world = await fakeWorld();
    url = `${await world.app.listen({ host: "127.0.0.1", port: await freePort() })}/v1/events`;
  });

  afterEach(async () => {
    world.hub.close();
    await world.app.close();
  });

  test("streams the status, then events, with the headers of every answer", async () => {
    const response = await fetch(url, { headers: authorized() });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    world.hub.publish("run", { id: "dr-1" });
    const text = await read(response, /event: run\n.*\n.*\n\n/);
    expect(text).toMatch(/^event: snapshot\nid: b1-0\ndata: \{.*"application".*\}\n\n/);
  });

  test("goes on after Last-Event-ID", async () => {
    world.hub.publish("run", { id: "dr-1" });
    world.hub.publish("run", { id: "dr-2" });
    const response = await fetch(url, { headers: authorized({ "last-event-id": "b1-1" }) });
    const text = await read(response, /dr-2"\}\n\n/);
    expect(text).not.toContain('"dr-1"');
  });

  test("wants the token", async () => {
    const response = await fetch(url);
    expect(response.status).toBe(401);
    await response.text();
  });

  test("refuses one client too many", async () => {
    const open = [
      await fetch(url, { headers: authorized() }),
      await fetch(url, { headers: authorized() }),
    ];
    const response = await fetch(url, { headers: authorized() });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "STATE_UNAVAILABLE" });
    for (const one of open) await one.body?.cancel();
  });
});
