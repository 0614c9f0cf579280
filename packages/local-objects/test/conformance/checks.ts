/** Small questions that several checks ask. */
import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { expect } from "vitest";
import type { Judged } from "./target.ts";

/** Nothing is stored under the key. */
export async function missing({ client, Bucket }: Judged, Key: string): Promise<void> {
  const head = client.send(new HeadObjectCommand({ Bucket, Key }));
  await expect(head).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
}

/** The whole body, its checksum verified by the client. */
export async function readBytes(output: {
  readonly Body?: { transformToByteArray(): Promise<Uint8Array> } | undefined;
}): Promise<Uint8Array> {
  return (await output.Body?.transformToByteArray()) ?? new Uint8Array();
}

/** Follows a link without any client. */
export async function fetchRaw(
  url: string,
  init: RequestInit = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(url, init);
  return { status: answer.status, text: await answer.text() };
}
