/** What the object store contract needs of an implementation, and the objects it is tried with. */
import { hash } from "node:crypto";
import type {
  ObjectProperties,
  ObjectStore,
  SecretUrl,
  WholeBody,
  WriteCondition,
  WriteRequest,
} from "@cloudphoenix/objects";
import type { FaultyLink } from "../objects/faulty-link.ts";

export interface OpenedStore {
  readonly store: ObjectStore;
  /** The way to the store, where there is one that can be broken. */
  readonly link: FaultyLink | null;
  /** The same store for who gives up soon: after a second in which nothing moves. Where there is a link. */
  readonly impatient?: ObjectStore;
  /** What anybody gets for a URL of the store's; null for nothing. Where `givesUrls`. */
  readonly openUrl?: (url: string) => Promise<Uint8Array | null>;
  /** Puts bytes somewhere else; a URL that opens them. Null: one that opens nothing. Where `readsUrls`. */
  readonly elsewhere?: (bytes: Uint8Array | null) => Promise<SecretUrl>;
}

export interface ObjectStoreHarness {
  /** A fresh, empty bucket. `pageSize` where pages can be made small. */
  open(options: { readonly pageSize: number }): Promise<OpenedStore>;
  stop(): Promise<void>;
}

export interface ObjectStoreContract {
  /** Name of the implementation and what it talks to, printed with every test. */
  readonly name: string;
  /** Whether `OpenedStore.link` is given: declares the tests of a broken way. */
  readonly hasLink: boolean;
  /** Whether the store gives out URLs: declares the tests of them. */
  readonly givesUrls?: true;
  /** Whether the store copies from URLs: declares the tests of that. */
  readonly readsUrls?: true;
  /** Keys this side cannot hold, each with the reason. */
  readonly refusedKeys: Readonly<Record<string, string>>;
  /** Keys that only some sides can hold, and this one can. */
  readonly oddKeys: readonly string[];
  readonly setup: () => Promise<ObjectStoreHarness>;
}

/** How a suite reaches the store of the running test. */
export type CurrentStore = () => OpenedStore;

export const SIGNAL: AbortSignal = new AbortController().signal;
export const NONE: WriteCondition = { kind: "none" };
export const ABSENT: WriteCondition = { kind: "absent" };

export const BARE: ObjectProperties = {
  contentType: "text/plain",
  contentEncoding: null,
  contentDisposition: null,
  contentLanguage: null,
  cacheControl: null,
  metadata: {},
  tags: {},
  stamp: null,
};

/** Keys every side holds, hard to spell in URLs, XML and headers. */
export const HARD_KEYS: readonly string[] = [
  "plain",
  "with space",
  "plus+plus",
  "percent%41%",
  "a//b",
  "/leading",
  "folder/",
  "folder/child",
  'ampersand&<tag>\'"quote"',
  "question?x=1#fragment",
  "semi;colon:comma,equals=at@dollar$",
  "(brackets)[square]{curly}!*~^`|",
  "grüße/日本語/Ω",
  "emoji/😀👍🏽.png",
  `long/${"ab".repeat(509)}`,
];

export function bodyOf(text: string | Uint8Array): WholeBody {
  const bytes = typeof text === "string" ? Buffer.from(text, "utf8") : text;
  return { bytes, md5: hash("md5", bytes, "hex") };
}

export function requestFor(key: string, changes: Partial<WriteRequest> = {}): WriteRequest {
  return { key, properties: BARE, condition: NONE, ...changes };
}

/** Every entry of a listing, one array per page. */
export async function pagesOf(
  store: ObjectStore,
  request: { readonly prefix: string; readonly after?: string } = { prefix: "" },
): Promise<readonly (readonly string[])[]> {
  const pages: string[][] = [];
  for await (const page of store.list(request, SIGNAL)) pages.push(page.map(({ key }) => key));
  return pages;
}

/** The bytes of a stream, joined. */
export async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
