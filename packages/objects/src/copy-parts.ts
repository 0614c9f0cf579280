/**
 * Copies a large object in parts: ranged reads ahead in a bounded window, each part hashed and checked by the
 * target, the whole hashed in order on the way, and everything that was stored noted in the journal.
 *
 * 1. A part that the journal and the target both know is never sent again.
 * 2. An upload of another version of the source is ended and begun anew.
 * 3. The whole is what the source's hash says: its MD5, or the one made of the MD5s of the parts it was stored in.
 * 4. Reading ahead never takes more than the memory budget gives; parts are granted memory in order,
 *    so the one whose turn it is to be hashed always has some.
 */
import { CloudPhoenixError, hasCode } from "@cloudphoenix/core";
import type { CopyAttempt, SeenVersions } from "./copy-object.ts";
import { conditionOn, propertiesFor } from "./copy-whole.ts";
import { type CopyTools, call } from "./copy-tools.ts";
import type { HashOfParts, ObjectFacts } from "./object-store.ts";
import { partBytesFor } from "./part-bytes.ts";
import { PartStream } from "./part-stream.ts";
import type { JournaledPart, UploadProgress, UploadRecord } from "./upload-journal.ts";
import { verifyStored } from "./verify-stored.ts";

/** @throws {CloudPhoenixError} as `copyObject` */
// oxlint-disable-next-line max-params -- the fourth is for itself
export async function copyParts(
  seen: SeenVersions,
  tools: CopyTools,
  signal: AbortSignal,
  sizes: "likely" | "each" = "likely",
): Promise<CopyAttempt> {
  const { key, etag } = seen.source;
  const facts = await call(tools, signal, (limited) => tools.source.head(key, limited));
  if (facts === null || facts.etag !== etag) return { kind: "sourceChanged" };
  const wishes = { wishedBytes: tools.sizes.partBytes, memoryBytes: tools.memory.totalBytes };
  const partBytes = partBytesFor(seen.source, wishes, tools.target.capabilities);
  const progress =
    (await unfinished(seen, tools, signal)) ??
    (await begin({ seen, facts, partBytes }, tools, signal));
  const hashOfParts = await outcomeOf(hashOfPartsOf(facts, sizes, tools, signal));
  if (hashOfParts === "changed" || hashOfParts === "unknown") return { kind: "sourceChanged" };
  const stream = new PartStream({ facts, progress, tools, hashOfParts });
  const sent = await outcomeOf(stream.send(signal));
  if (sent === "changed" || sent === "unknown") {
    await giveUp(progress.record, tools, signal);
    return { kind: sent === "changed" ? "sourceChanged" : "targetChanged" };
  }
  const isRight =
    (facts.md5 === null || facts.md5 === sent.md5) &&
    (hashOfParts === null || hashOfParts.md5 === sent.ofParts);
  if (!isRight) {
    await giveUp(progress.record, tools, signal);
    // Read wrongly by an earlier attempt, perhaps: whatever was kept is gone now, so begin anew.
    if (sent.partsKept > 0) return { kind: "targetChanged" };
    // Cut in another way than was likely, perhaps.
    if (hashOfParts !== null && sizes === "likely") return copyParts(seen, tools, signal, "each");
    throw corrupt(key);
  }
  return finish({ seen, facts, record: progress.record, ...sent }, tools, signal);
}

/** Null if the source tells an MD5 anyway, or nothing. */
// oxlint-disable-next-line max-params -- private, and each is of another kind
async function hashOfPartsOf(
  facts: ObjectFacts,
  sizes: "likely" | "each",
  tools: CopyTools,
  signal: AbortSignal,
): Promise<HashOfParts | null> {
  const ask = tools.source.hashOfParts?.bind(tools.source);
  if (facts.md5 !== null || ask === undefined) return null;
  return call(tools, signal, (limited) => ask(facts, sizes, limited), facts.sizeBytes);
}

/** An upload of exactly this version, in parts that memory holds, that can be gone on with; any other one is ended. */
async function unfinished(
  { source, targetKey }: SeenVersions,
  tools: CopyTools,
  signal: AbortSignal,
): Promise<UploadProgress | null> {
  const known = await tools.journal.find(targetKey);
  if (known === null) return null;
  const { record } = known;
  const isThisVersion = record.sourceEtag === source.etag && record.sizeBytes === source.sizeBytes;
  const held =
    isThisVersion && record.partBytes <= tools.memory.totalBytes
      ? await call(tools, signal, (limited) => tools.target.uploadedParts(record.upload, limited))
      : null;
  if (held === null) {
    await giveUp(record, tools, signal);
    return null;
  }
  const receipts = new Map(held.map((part) => [part.number, part]));
  const parts = known.parts.filter((part) => {
    const there = receipts.get(part.number);
    return there?.receipt === part.receipt && there.sizeBytes === part.sizeBytes;
  });
  return { ...known, parts };
}

async function begin(
  {
    seen,
    facts,
    partBytes,
  }: {
    readonly seen: SeenVersions;
    readonly facts: ObjectFacts;
    readonly partBytes: number;
  },
  tools: CopyTools,
  signal: AbortSignal,
): Promise<UploadProgress> {
  const { targetKey: key, source } = seen;
  // S3 takes the properties now, Blob when the upload is finished.
  const version = { key, etag: source.etag, md5: facts.md5 };
  const { properties } = propertiesFor(tools, facts.properties, version);
  const request = { key, properties, condition: conditionOn(seen.target) };
  const upload = await call(tools, signal, (limited) => tools.target.beginUpload(request, limited));
  const record = { key, sourceEtag: source.etag, sizeBytes: source.sizeBytes, partBytes, upload };
  await tools.journal.begin(record);
  return { record, parts: [], hashed: null };
}

interface Finishing {
  readonly seen: SeenVersions;
  readonly facts: ObjectFacts;
  readonly record: UploadRecord;
  readonly parts: readonly JournaledPart[];
  readonly partsKept: number;
  readonly md5: string;
}

async function finish(
  { seen, facts, record, parts, partsKept, md5 }: Finishing,
  tools: CopyTools,
  signal: AbortSignal,
): Promise<CopyAttempt> {
  const { key } = record;
  const { etag, sizeBytes } = seen.source;
  const { properties, tagsLost } = propertiesFor(tools, facts.properties, { key, etag, md5 });
  const condition = conditionOn(seen.target);
  const request = { key, properties, condition, upload: record.upload, parts, md5 };
  const stored = await outcomeOf(
    call(tools, signal, (limited) => tools.target.finishUpload(request, limited)),
  );
  if (stored === "changed") return { kind: "targetChanged" };
  await tools.journal.forget(key);
  // The upload is not known any more: an earlier answer may have been lost. The target tells.
  if (stored === "unknown") return { kind: "targetChanged" };
  await verifyStored({ key, sizeBytes, stored }, tools, signal);
  return {
    kind: "copied",
    sizeBytes,
    sourceEtag: etag,
    targetEtag: stored.etag,
    tagsLost,
    partsKept,
  };
}

/** What a side has to say against going on with an upload: its object changed, or nobody knows the upload. */
async function outcomeOf<T extends object | null>(
  work: Promise<T>,
): Promise<T | "changed" | "unknown"> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, "OBJECT_CHANGED") || hasCode(error, "OBJECT_GONE")) return "changed";
    if (hasCode(error, "NOT_FOUND")) return "unknown";
    throw error;
  }
}

/** Ends an upload that leads nowhere. */
async function giveUp(record: UploadRecord, tools: CopyTools, signal: AbortSignal): Promise<void> {
  await call(tools, signal, (limited) => tools.target.abortUpload(record.upload, limited));
  await tools.journal.forget(record.key);
}

function corrupt(key: string): CloudPhoenixError {
  const message = `${key} was read in parts that together are not what the source says it holds`;
  return new CloudPhoenixError("OBJECT_CORRUPT", message, {
    retryable: true,
    hint: "Check the source with `sync --verify`; nothing was written.",
  });
}
