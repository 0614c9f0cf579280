/**
 * `npm run validate:kubernetes`: builds every overlay, checks the policies on it, and plants the known
 * mistakes to see each one found. Without kubectl it is skipped by name; under CI=true that is an error.
 */
import { join } from "node:path";
import { Cluster } from "./cluster.ts";
import { kubectlVersion, kubernetesRoot, listOverlays, render } from "./kustomize.ts";
import { missedMistakes, mistakes } from "./planted-mistakes.ts";
import { missedTypeMistakes, typeMistakes } from "./planted-type-mistakes.ts";
import { checkPolicies, policies } from "./policies/check-policies.ts";
import { typeFindings } from "./type-check.ts";

const findings: string[] = [];
const overlays = listOverlays();
let documents = 0;
let planted = 0;

const version = await kubectlVersion();
if (version === null) {
  const skipped = `kubectl not found: overlays ${overlays.join(" and ")} not built, nothing checked`;
  if (process.env["CI"] === "true") findings.push(skipped);
  else console.log(`skipped: ${skipped}`);
} else {
  for (const overlay of overlays) await check(overlay);
  console.log(`kustomize ${version}; nothing was sent to a cluster`);
}

for (const finding of findings) console.error(finding);
console.log(
  `${overlays.length} overlays, ${documents} documents, ${policies.length} policies, ${planted} planted mistakes: ${findings.length} findings`,
);
if (findings.length > 0) process.exitCode = 1;

async function check(overlay: string): Promise<void> {
  const rendered = await render(join(kubernetesRoot, "overlays", overlay));
  const found = [
    ...(await typeFindings(rendered)).flat(),
    ...checkPolicies(new Cluster(rendered)),
  ].map((finding) => `${overlay}: ${finding}`);
  documents += rendered.length;
  findings.push(...found);
  if (found.length > 0) {
    console.log(`${overlay}: ${found.length} findings; mistakes are planted in what has none`);
    return;
  }
  const missed = [...missedMistakes(rendered), ...(await missedTypeMistakes(rendered))];
  const all = mistakes.length + typeMistakes.length;
  planted += all;
  findings.push(...missed.map((finding) => `${overlay}: ${finding}`));
  console.log(
    `${overlay}: ${rendered.length} documents of the right types, ${all - missed.length} of ${all} planted mistakes found`,
  );
}
