import { startAzurite, startCopyFront } from "@cloudphoenix/local-objects";
import { describeObjectStore, FaultyLink } from "@cloudphoenix/testkit";
import { BlobObjectStore } from "@cloudphoenix/adapter-azure";
import { createContainer, credentialOf } from "./azurite-calls.ts";
import { openBytesServer } from "./bytes-server.ts";

let containers = 0;

describeObjectStore({
  name: "Blob adapter against Azurite with Put Blob From URL in front of it",
  hasLink: true,
  readsUrls: true,
  oddKeys: [".hidden", "a/.b"],
  refusedKeys: {
    "": "no key at all",
    ".": "a URL would lose it",
    "..": "a URL would lose it",
    "a/./b": "a URL would lose a segment",
    "a/../b": "a URL would lose a segment",
    "../a": "a URL would lose a segment",
    "ends.": "Blob drops dots at the end",
    "segment./a": "Blob drops dots at the end of a segment",
    "back\\slash": "Blob takes it for a slash",
    "line\nbreak": "a control character",
    "half \ud800": "not Unicode",
    ["x".repeat(1025)]: "too long",
    ["x/".repeat(255)]: "too many segments",
  },
  setup: async () => {
    const azurite = await startAzurite({ directory: null, blobPort: 0 });
    const front = await startCopyFront(azurite);
    const elsewhere = await openBytesServer();
    const link = await FaultyLink.open(new URL(front.blobEndpoint));
    const stores: BlobObjectStore[] = [];
    return {
      open: async ({ pageSize }) => {
        containers += 1;
        const container = `contract-${containers}`;
        await createContainer(azurite, container);
        const credential = credentialOf(azurite);
        const options = { endpoint: link.url, container, credential, pageSize };
        const store = new BlobObjectStore(options);
        const impatient = new BlobObjectStore({ ...options, silenceMs: 1000 });
        stores.push(store, impatient);
        return { store, link, impatient, elsewhere: elsewhere.put };
      },
      stop: async () => {
        for (const store of stores) store.close();
        await link.close();
        await front.stop();
        await elsewhere.stop();
        await azurite.stop();
      },
    };
  },
});
