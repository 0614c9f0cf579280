import { describe, expect, test } from "vitest";
import { allSettled } from "../src/world/all-settled.ts";

describe("several starts at once", () => {
  test("give back what each of them gave", async () => {
    expect(await allSettled([Promise.resolve(1), Promise.resolve("two")])).toEqual([1, "two"]);
  });

  test("report a failure only when nothing is being started any more", async () => {
    const slow = Promise.withResolvers<void>();
    let reported = false;
    const starts = allSettled([Promise.reject(new Error("port taken")), slow.promise]).catch(
      (error: unknown) => {
        reported = true;
        return error;
      },
    );
    await new Promise((soon) => setImmediate(soon));
    expect(reported).toBe(false);

    slow.resolve();

    expect(await starts).toMatchObject({ message: "port taken" });
  });

  test("report the first of several failures", async () => {
    const starts = allSettled([
      Promise.resolve("up"),
      Promise.reject(new Error("port taken")),
      Promise.reject(new Error("disk full")),
    ]);
    await expect(starts).rejects.toThrow("port taken");
  });
});
