import { describe, expect, test } from "vitest";
import { objectCopyText } from "../src/render/object-copy-text.ts";

const WELL = {
  behindMs: 1_600,
  pending: 4,
  needPerson: 0,
  canaryAgeMs: 900,
  paused: null,
  deletesHeldBack: null,
};

describe("the copy of the objects in one line", () => {
  test.each([
    [{}, "objects 1.6 s behind, 4 on their way"],
    [{ behindMs: null }, "objects an unknown time behind, 4 on their way"],
    [
      { paused: "azure is quarantined" },
      "objects 1.6 s behind, 4 on their way; nothing is copied: azure is quarantined",
    ],
    [
      { needPerson: 5_000 },
      "objects 1.6 s behind, 4 on their way; 5000 objects stay behind until a person acts",
    ],
    [
      { deletesHeldBack: "deletes are held back: the source is empty" },
      "objects 1.6 s behind, 4 on their way; deletes are held back: the source is empty",
    ],
  ])("with %j", (change, words) => {
    expect(objectCopyText({ ...WELL, ...change })).toBe(words);
  });
});
