import { describeObjectStore, MemoryObjectStore } from "@cloudphoenix/testkit";

let now = Date.UTC(2026, 0);

for (const flavour of ["s3", "blob"] as const) {
  describeObjectStore({
    name: `in-memory store, ${flavour} flavour`,
    hasLink: false,
    oddKeys: ["a/./b", "back\\slash"],
    refusedKeys: { "refused/one": "the test says so" },
    setup: async () => ({
      open: async ({ pageSize }) => ({
        store: new MemoryObjectStore({
          flavour,
          pageSize,
          now: () => (now += 1),
          refuses: (key) => key.startsWith("refused/"),
        }),
        link: null,
      }),
      stop: async () => undefined,
    }),
  });
}
