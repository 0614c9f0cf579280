/** A key that somebody made and copied: works, and is worth a warning. */
import type { Secret } from "../secrets/secret.ts";

/** Who it is and where its secret half is read. */
export interface StaticKey {
  /** AWS: the id of the access key. Azure: the name of the account. */
  readonly id: string;
  readonly secret: Pick<Secret, "value" | "invalidate">;
}
