import type { SecretUrl } from "@cloudphoenix/objects";
import {
  describeObjectStore,
  MemoryObjectStore,
  MemoryUrlSource,
  MemoryUrlTarget,
} from "@cloudphoenix/testkit";

const SIGNAL = new AbortController().signal;
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

describeObjectStore({
  name: "in-memory store that gives out URLs",
  hasLink: false,
  givesUrls: true,
  oddKeys: [],
  refusedKeys: {},
  setup: async () => ({
    open: async ({ pageSize }) => {
      const store = new MemoryUrlSource({ pageSize, now: () => (now += 1) });
      return { store, link: null, openUrl: async (url) => store.open(url) };
    },
    stop: async () => undefined,
  }),
});

describeObjectStore({
  name: "in-memory store that copies from URLs",
  hasLink: false,
  readsUrls: true,
  oddKeys: [],
  refusedKeys: { "refused/one": "the test says so" },
  setup: async () => ({
    open: async ({ pageSize }) => {
      const source = new MemoryUrlSource();
      const store = new MemoryUrlTarget((url) => source.open(url), {
        pageSize,
        now: () => (now += 1),
        refuses: (key) => key.startsWith("refused/"),
      });
      const elsewhere = async (bytes: Uint8Array | null): Promise<SecretUrl> => {
        if (bytes !== null) source.put("elsewhere", bytes);
        return source.readUrl(bytes === null ? "nothing" : "elsewhere", 60_000, SIGNAL);
      };
      return { store, link: null, elsewhere };
    },
    stop: async () => undefined,
  }),
});
