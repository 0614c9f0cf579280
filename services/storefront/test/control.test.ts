// Goal: visitors see the score of the site that serves them and read of a move while it lasts, and
// controllers that are away, slow or talk nonsense break nothing.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { controlAnswer, PretendedController } from "./pretended-controller.ts";
import { Shop } from "./storefront-world.ts";

const SINCE_MS = Date.UTC(2026, 2, 1, 12, 29);

let controller: PretendedController;
let shop: Shop;

beforeEach(async () => {
  controller = await PretendedController.open();
  shop = await Shop.open({ STATUS_URLS: controller.url });
});

afterEach(async () => {
  await shop.close();
  await controller.close();
});

async function status(): Promise<string> {
  return (await shop.get("/status")).body;
}

const HEARD = /nothing to do|to be|being watched|The shop (?:is|has)/;

/** The panel once it has heard of the controller, which a busy machine may answer too late at first. */
async function told(heard: RegExp = HEARD): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const body = await status();
    if (heard.test(body) || tries === 20) return body;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

describe("the score", () => {
  test.each([
    [0, "none", "good", "0, nothing to do"],
    [6, "none", "good", "6, being watched"],
    [5, "heal", "wait", "5, to be healed in place"],
    [9, "region", "bad", "9, to be moved to another region"],
    [15, "dr", "bad", "15, to be moved to the other cloud"],
  ] as const)("%d at level %s is said in words", async (score, level, colour, text) => {
    controller.answer = controlAnswer(score, level);

    const row = `<dt>Score</dt><dd class="${colour}">${text}</dd>`;
    expect(await told()).toContain(row);
    expect((await shop.get("/")).body).toContain(row);
  });

  test("is not known while nobody that leads answers", async () => {
    controller.answer = controlAnswer(null, null);

    expect(await status()).toContain('<dt>Score</dt><dd class="wait">not known right now</dd>');
  });

  test.each([null, "nonsense", "hang"] as const)(
    "is not known of a controller that answers %s, and the page is there all the same",
    async (answer) => {
      controller.answer = answer;
      const { statusCode, body } = await shop.get("/");

      expect(statusCode).toBe(200);
      expect(body).toContain('<dt>Score</dt><dd class="wait">not known right now</dd>');
      expect(body).toContain('action="/orders"');
    },
  );

  test("is asked for on a connection of its own each time, and not for every page", async () => {
    await Promise.all(Array.from({ length: 30 }, status));

    expect(controller.asked).toBeLessThan(5);
    // One that was given up on a busy machine may not have asked any more.
    expect(controller.connections).toBeGreaterThanOrEqual(controller.asked);
  });

  test("is nothing a shop without controllers speaks of", async () => {
    const alone = await Shop.open();
    const { body } = await alone.get("/");
    await alone.close();

    expect(body).not.toMatch(/score/i);
    expect(body).toContain("<dt>Health</dt>");
  });
});

describe("a move", () => {
  const move = { to: "azure-<b>1</b>", sinceMs: SINCE_MS };

  test("is said while it lasts, and what it means for orders", async () => {
    controller.answer = controlAnswer(15, "dr", move);

    const body = await told();

    expect(body).toContain("The shop is moving to azure-&lt;b&gt;1&lt;/b&gt;");
    expect(body).toContain("2026-03-01 12:29 UTC");
    expect(body).toContain("An order may have to wait until it is there.");
  });

  test("is said although the orders service does not answer", async () => {
    controller.answer = controlAnswer(15, "dr", move);
    shop.orders.reading = "broken";

    const body = await told();

    expect(body).toContain("The orders service does not answer right now.");
    expect(body).toContain("The shop is moving to ");
  });

  test("that has reached the site that serves is said to be nearly over", async () => {
    const here = { to: "aws-us-east-1", sinceMs: SINCE_MS };
    controller.answer = controlAnswer(0, "none", here);
    expect(await told()).toContain("The shop has just moved to aws-us-east-1");

    shop.orders.writing = "read-only";
    // What a page knows of the site may be a second old.
    const moving = "The shop is moving to aws-us-east-1";
    expect(await told(new RegExp(moving))).toContain(moving);
  });

  test("is not said while there is none", async () => {
    expect(await told()).not.toMatch(/is moving|has just moved/);
  });
});
