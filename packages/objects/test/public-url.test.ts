import { expect, test } from "vitest";
import { isPublicUrl } from "../src/public-url.ts";

test.each([
  ["https://bucket.s3.eu-central-1.amazonaws.com/k?X-Amz-Date=1", true],
  ["https://203.0.113.9/bucket/k", true],
  ["https://[2001:db8::1]/bucket/k", true],
  ["http://bucket.s3.eu-central-1.amazonaws.com/k", false],
  ["https://localhost:9000/bucket/k", false],
  ["https://minio/bucket/k", false],
  ["https://minio.corp.internal/bucket/k", false],
  ["https://127.8.0.1/bucket/k", false],
  ["https://10.1.2.3/bucket/k", false],
  ["https://172.31.0.1/bucket/k", false],
  ["https://192.168.1.1/bucket/k", false],
  ["https://169.254.169.254/bucket/k", false],
  ["https://[::1]/bucket/k", false],
  ["https://[fd00::1]/bucket/k", false],
  ["https://[::ffff:10.0.0.1]/bucket/k", false],
])("whether a cloud could read %s: %s", (url, expected) => {
  expect(isPublicUrl(new URL(url))).toBe(expected);
});
