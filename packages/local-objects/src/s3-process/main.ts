/** The process that serves S3. One JSON line on standard input says how; see `LocalS3Spec`. */
import { startControlServer } from "../control/control-server.ts";
import { LocalObjectsError } from "../error.ts";
import { readyLine } from "../process/child-server.ts";
import { readSpec } from "../process/read-spec.ts";
import { startLocalS3 } from "../s3/start-local-s3.ts";
import type { LocalS3Ready, LocalS3Spec } from "./spec.ts";

const ending = Promise.withResolvers<void>();

try {
  const { control, ...options } = await readSpec<LocalS3Spec>(() => ending.resolve());
  const s3 = await startLocalS3(options);
  const steering = await startControlServer(s3, control);
  const { endpoint, queueEndpoint } = s3;
  const ready: LocalS3Ready = { endpoint, queueEndpoint, controlEndpoint: steering.endpoint };
  process.stdout.write(readyLine(ready));
  await ending.promise;
  await Promise.all([s3.stop(), steering.stop()]);
  process.exit(0);
} catch (error) {
  const told = error instanceof LocalObjectsError ? `${error.code}: ${error.message}` : error;
  console.error(told);
  process.exit(1);
}
