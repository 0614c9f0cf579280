/** Settings of a service with objects. Every default is here with its reason. */
import { z } from "zod";
import { integer, secretReference } from "../settings/fields.ts";
import { parseStorageUrl, type StorageAddress } from "./storage-address.ts";

/** Spread into the service's own `z.object`. Without `STORAGE_URL` there is no object store. */
export const STORAGE_FIELDS: {
  readonly STORAGE_URL: z.ZodType<StorageAddress | null, string | null | undefined>;
  readonly STORAGE_KEY_ID: z.ZodType<string | null, string | null | undefined>;
  readonly STORAGE_KEY: z.ZodType<string | null, string | null | undefined>;
  readonly STORAGE_KEY_FILE: z.ZodType<string | null, string | null | undefined>;
  readonly STORAGE_TIMEOUT_MS: z.ZodType<number, string | undefined>;
} = {
  STORAGE_URL: storageUrl().nullable().default(null),
  // Of a static AWS key. Roles need neither this nor the next two.
  STORAGE_KEY_ID: z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, "must be 1-128 visible ASCII characters")
    .nullable()
    .default(null),
  // A reference to the secret (file:, env:, aws:, azure:), not the key.
  STORAGE_KEY: secretReference().nullable().default(null),
  // The same as STORAGE_KEY=file:…, as container images name it.
  STORAGE_KEY_FILE: z.string().min(1).nullable().default(null),
  // Of one attempt: longer than an honest small object takes, shorter than the patience of callers.
  STORAGE_TIMEOUT_MS: integer(50, 60_000).prefault("1000"),
};

function storageUrl(): z.ZodType<StorageAddress, string> {
  return z.string().transform((text, context) => {
    const address = parseStorageUrl(text);
    if (typeof address !== "string") return address;
    context.addIssue({ code: "custom", message: address });
    return z.NEVER;
  });
}
