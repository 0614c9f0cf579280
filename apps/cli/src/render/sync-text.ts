/** A sync and a verification in words. */
import type {
  DeleteSummary,
  ServerSideCounts,
  SyncFailure,
  SyncProgress,
  SyncSummary,
  VerifyProgress,
  VerifySummary,
} from "@cloudphoenix/objects";
import { bytesText } from "./bytes-text.ts";
import { durationText } from "./duration-text.ts";

const LISTED_MOST = 20;

/** One line for a terminal that is redrawn, or for a log. */
export function progressText(progress: SyncProgress): string {
  const { copied, toCopy, listingComplete, sentBytes, toCopyBytes, failed } = progress;
  const more = listingComplete ? "" : "+";
  const parts = [
    `${copied} of ${toCopy}${more} objects`,
    `${bytesText(sentBytes)} of ${bytesText(toCopyBytes)}${more}`,
    `${bytesText(progress.bytesPerSecond)}/s, ${progress.objectsPerSecond}/s`,
    `${progress.same} unchanged`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(progress.remainingMs === null ? [] : [`${durationText(progress.remainingMs)} left`]),
  ];
  return parts.join(" · ");
}

export function verifyProgressText(progress: VerifyProgress): string {
  const { looked, compared, readBytes, differences } = progress;
  return `${looked} looked at · ${compared} compared · ${bytesText(readBytes)} read · ${differences} differences`;
}

/** The summary of a sync, ending with what to do next. */
export function syncText(summary: SyncSummary): string {
  const { progress, dryRun } = summary;
  return [
    dryRun ? wouldLine(progress) : doneLine(progress),
    ...(dryRun ? replacedLines(progress) : []),
    ...serverSideLines(summary.serverSide),
    ...notes(progress),
    ...deleteLines(summary.deletes, dryRun),
    ...failureLines(summary.failures, progress.failed + summary.deletes.failed),
    ...nextLines(summary),
  ].join("\n");
}

function doneLine({ copied, copiedBytes, same, alreadyThere, elapsedMs }: SyncProgress): string {
  return `${copied} objects copied (${bytesText(copiedBytes)}), ${same + alreadyThere} unchanged, in ${durationText(elapsedMs)}.`;
}

function wouldLine(progress: SyncProgress): string {
  const { toCopy, toCopyBytes, unsure, unsureBytes, same } = progress;
  const certain = `${toCopy - unsure} objects (${bytesText(toCopyBytes - unsureBytes)})`;
  const perhaps =
    unsure === 0
      ? ""
      : `, and ${unsure} more (${bytesText(unsureBytes)}) unless a closer look finds them there`;
  return `Would copy ${certain}${perhaps}; ${same} are unchanged. Nothing was changed.`;
}

/** What is at the target now and would not be any more. */
function replacedLines({ foreign, perhapsForeign, unsure }: SyncProgress): readonly string[] {
  const would = unsure === 0 ? "would be replaced" : "would be replaced unless it is the same";
  return [
    ...(foreign > 0
      ? [`${foreign} of them meet another object at the target, no copy of ours: it ${would}.`]
      : []),
    ...(perhapsForeign > 0
      ? [
          `${perhapsForeign} of them meet an object at the target whose listing does not tell whether it is a copy of ours: it ${would}.`,
        ]
      : []),
  ];
}

function serverSideLines(counts: ServerSideCounts): readonly string[] {
  const { objects, bytes, refused, because, givenUp } = counts;
  const rest = givenUp ? ", and after them everything else" : "";
  return [
    ...(objects > 0 ? [`The target read ${objects} of them itself (${bytesText(bytes)}).`] : []),
    ...(refused > 0
      ? [`${refused} objects that it could not read itself were streamed${rest}: ${because}.`]
      : []),
  ];
}

function notes({
  gone,
  tagsLost,
  tagsUnseen,
  partsKept,
  retries,
}: SyncProgress): readonly string[] {
  return [
    ...(partsKept > 0
      ? [`${partsKept} parts of large objects were there from an earlier run.`]
      : []),
    ...(gone > 0 ? [`${gone} objects were deleted at the source before their turn came.`] : []),
    ...(tagsLost > 0 ? [`${tagsLost} objects lost their tags: the target keeps none.`] : []),
    ...(tagsUnseen > 0
      ? [
          `${tagsUnseen} objects were copied without tags they may have: the rights do not show them.`,
        ]
      : []),
    ...(retries > 0 ? [`${retries} requests were asked again.`] : []),
  ];
}

function deleteLines(deletes: DeleteSummary, dryRun: boolean): readonly string[] {
  const { missing, due, deleted, foreign, reprieved, failed, refused } = deletes;
  if (refused !== null) return [`✗ ${refused.message}`, ...hintLine(refused)];
  if (missing === 0) return [];
  if (dryRun) return [`${missing} objects are only at the target.`];
  const waiting = missing - due;
  const more = [
    ...(foreign > 0 ? [`${foreign} not ours`] : []),
    ...(reprieved > 0 ? [`${reprieved} spared`] : []),
    ...(failed > 0 ? [`${failed} that cannot be deleted`] : []),
  ];
  const counts = [`${deleted} deleted`, `${waiting} kept or waiting`, ...more].join(", ");
  return [`${missing} objects were only at the target: ${counts}.`];
}

function failureLines(failures: readonly SyncFailure[], count: number): readonly string[] {
  if (count === 0) return [];
  const shown = failures.slice(0, LISTED_MOST);
  const hints = new Set(shown.flatMap((failure) => hintLine(failure)));
  return [
    `✗ ${count} objects failed:`,
    ...shown.map(({ name, code, message }) => `  ${name}: ${code}: ${message}`),
    ...(count > shown.length
      ? [`  … and ${count - shown.length} more (--json lists up to 100)`]
      : []),
    ...hints,
  ];
}

function nextLines({ outcome, stoppedBy }: SyncSummary): readonly string[] {
  if (outcome === "interrupted") {
    return ["Stopped as asked. Run the same command again: it goes on from here."];
  }
  if (stoppedBy !== null) {
    return [`✗ It could not go on: ${stoppedBy.message}`, ...hintLine(stoppedBy)];
  }
  if (outcome !== "failures") return [];
  return ["Everything else is at the target. Run it again to try these again."];
}

function hintLine({ hint }: SyncFailure): readonly string[] {
  return hint === null ? [] : [`  → ${hint}`];
}

/** The summary of a verification. */
export function verifyText({ outcome, progress, differences, stoppedBy }: VerifySummary): string {
  const { looked, compared, sizeOnly, readBytes, differences: found } = progress;
  const content = `the content of ${compared} compared (${bytesText(readBytes)} read)`;
  const rest = sizeOnly === 0 ? "" : `, ${sizeOnly} by name and size only`;
  const counts = `${looked} objects looked at, ${content}${rest}`;
  const shown = differences.slice(0, LISTED_MOST);
  return [
    outcome === "same" ? `✓ No difference: ${counts}.` : `${found} differences: ${counts}.`,
    ...shown.map(({ name, what, detail }) => `  ${name}: ${what}: ${detail}`),
    ...(found > shown.length
      ? [`  … and ${found - shown.length} more (--json lists up to 1000)`]
      : []),
    ...(outcome === "interrupted" ? ["Stopped as asked, before the end."] : []),
    ...(stoppedBy === null
      ? []
      : [`✗ It could not go on: ${stoppedBy.message}`, ...hintLine(stoppedBy)]),
  ].join("\n");
}
