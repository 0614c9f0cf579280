/** `policy`: every field of core's `Policy` in snake case, each optional, over core's defaults. */

import { DEFAULT_POLICY, FENCE_DEGREES, POLICY_REASONS, type Policy } from "@cloudphoenix/core";
import { z } from "zod";
import { formatDuration } from "./duration.ts";
import { duration, moment } from "./fields.ts";

const HOUR_MS = 3_600_000;
const WEEK_MS = 168 * HOUR_MS;

/** The policy, complete: what the file leaves out comes from `DEFAULT_POLICY`. */
export function policySection(): z.ZodType<Policy> {
  return z
    .strictObject({
      bands: perLevel(z.number().min(0).max(1000), (level) =>
        String(DEFAULT_POLICY.bands[level]),
      ).describe(`Lowest score of each level, ascending. ${POLICY_REASONS.bands}`),
      hold: perLevel(duration(0, HOUR_MS), (level) =>
        formatDuration(DEFAULT_POLICY.holdMs[level]),
      ).describe(`Time the score must hold before a level counts. ${POLICY_REASONS.holdMs}`),
      clear_margin: plain(z.number().min(0).max(100), "clearMargin"),
      clear: span(duration(0, HOUR_MS), "clearMs"),
      coverage_min: plain(z.number().min(0).max(1), "coverageMin"),
      evidence_min: perLevel(z.int().min(1).max(20), (level) =>
        String(DEFAULT_POLICY.evidenceMin[level]),
      ).describe(`Failure domains that must agree. ${POLICY_REASONS.evidenceMin}`),
      modes: perLevel(
        z.enum(["auto", "approve", "observe"]),
        (level) => DEFAULT_POLICY.modes[level],
      ).describe(
        `\`auto\` acts, \`approve\` waits for a person, \`observe\` only tells. ${POLICY_REASONS.modes}`,
      ),
      cooldown: span(duration(0, WEEK_MS), "cooldownMs"),
      freezes: z
        .array(freezeWindow())
        .max(100)
        .optional()
        .meta({ default: "none" })
        .describe(`Windows in which nothing moves by itself. ${POLICY_REASONS.freezes}`),
      fence_min: plain(z.enum(FENCE_DEGREES), "fenceMin"),
      canary_age_max: span(duration(100, HOUR_MS), "canaryAgeMaxMs"),
      approvers_for_risk: plain(z.int().min(1).max(10), "approversForRisk"),
      heals_max: plain(z.int().min(0).max(1000), "healsMax"),
      heal_window: span(duration(1000, WEEK_MS), "healWindowMs"),
    })
    .transform(overDefaults);
}

type Graver = keyof Policy["bands"];

const LEVEL_TEXTS: Readonly<Record<Graver, string>> = {
  heal: "For healing in place.",
  region: "For a move to another region.",
  dr: "For a move to another cloud.",
};

type PerLevel<T> = z.ZodOptional<
  z.ZodObject<Record<Graver, z.ZodOptional<z.ZodType<T>>>, z.core.$strict>
>;

function perLevel<T>(schema: z.ZodType<T>, defaultOf: (level: Graver) => string): PerLevel<T> {
  const at = (level: Graver): z.ZodOptional<z.ZodType<T>> =>
    schema
      .optional()
      .meta({ default: defaultOf(level) })
      .describe(LEVEL_TEXTS[level]);
  return z.strictObject({ heal: at("heal"), region: at("region"), dr: at("dr") }).optional();
}

type PlainField = "clearMargin" | "coverageMin" | "fenceMin" | "approversForRisk" | "healsMax";
type SpanField = "clearMs" | "cooldownMs" | "canaryAgeMaxMs" | "healWindowMs";

function plain<T>(schema: z.ZodType<T>, field: PlainField): z.ZodOptional<z.ZodType<T>> {
  return described(schema, field, String(DEFAULT_POLICY[field]));
}

function span(schema: z.ZodType<number>, field: SpanField): z.ZodOptional<z.ZodType<number>> {
  return described(schema, field, formatDuration(DEFAULT_POLICY[field]));
}

const FIELD_TEXTS: Readonly<Record<PlainField | SpanField, string>> = {
  clearMargin: "A level clears once the score is this far below its band …",
  clearMs: "… for this long.",
  coverageMin: "Below this share of known points the verdict is unknown.",
  cooldownMs: "No automatic move within this time after the last one ended.",
  fenceMin:
    "The weakest fence that lets a promotion go on without asking a person; `lease-expired` where a `lease` is configured.",
  canaryAgeMaxMs: "A standby whose newest heartbeat is older than this is not ready.",
  approversForRisk: "People who must accept a loss beyond the objective or an unproven fence.",
  healsMax: "Heals within the window after which a person is paged instead.",
  healWindowMs: "The window in which heals are counted.",
};

function described<T>(
  schema: z.ZodType<T>,
  field: PlainField | SpanField,
  fallback: string,
): z.ZodOptional<z.ZodType<T>> {
  const text = `${FIELD_TEXTS[field]} ${POLICY_REASONS[field]}`;
  return schema.optional().meta({ default: fallback }).describe(text);
}

function freezeWindow(): z.ZodType<Policy["freezes"][number]> {
  return z
    .strictObject({
      from: moment().describe("Start of the window."),
      until: moment().describe("End of the window; after its start."),
      reason: z.string().min(1).max(200).describe("Why, as shown to the operator."),
    })
    .transform(({ from, until, reason }) => ({ fromMs: from, untilMs: until, reason }));
}

/** What the document may say about the policy, already read. */
interface PolicyFields {
  readonly bands?: LevelFields<number>;
  readonly hold?: LevelFields<number>;
  readonly clear_margin?: number | undefined;
  readonly clear?: number | undefined;
  readonly coverage_min?: number | undefined;
  readonly evidence_min?: LevelFields<number>;
  readonly modes?: LevelFields<Policy["modes"]["dr"]>;
  readonly cooldown?: number | undefined;
  readonly freezes?: Policy["freezes"] | undefined;
  readonly fence_min?: Policy["fenceMin"] | undefined;
  readonly canary_age_max?: number | undefined;
  readonly approvers_for_risk?: number | undefined;
  readonly heals_max?: number | undefined;
  readonly heal_window?: number | undefined;
}

type LevelFields<T> = { readonly [level in Graver]?: T | undefined } | undefined;

function overDefaults(fields: PolicyFields): Policy {
  return {
    bands: levelsOver(DEFAULT_POLICY.bands, fields.bands),
    holdMs: levelsOver(DEFAULT_POLICY.holdMs, fields.hold),
    clearMargin: fields.clear_margin ?? DEFAULT_POLICY.clearMargin,
    clearMs: fields.clear ?? DEFAULT_POLICY.clearMs,
    coverageMin: fields.coverage_min ?? DEFAULT_POLICY.coverageMin,
    evidenceMin: levelsOver(DEFAULT_POLICY.evidenceMin, fields.evidence_min),
    modes: levelsOver(DEFAULT_POLICY.modes, fields.modes),
    cooldownMs: fields.cooldown ?? DEFAULT_POLICY.cooldownMs,
    freezes: fields.freezes ?? DEFAULT_POLICY.freezes,
    fenceMin: fields.fence_min ?? DEFAULT_POLICY.fenceMin,
    canaryAgeMaxMs: fields.canary_age_max ?? DEFAULT_POLICY.canaryAgeMaxMs,
    approversForRisk: fields.approvers_for_risk ?? DEFAULT_POLICY.approversForRisk,
    healsMax: fields.heals_max ?? DEFAULT_POLICY.healsMax,
    healWindowMs: fields.heal_window ?? DEFAULT_POLICY.healWindowMs,
  };
}

function levelsOver<T>(
  defaults: Readonly<Record<Graver, T>>,
  fields: LevelFields<T>,
): Record<Graver, T> {
  return {
    heal: fields?.heal ?? defaults.heal,
    region: fields?.region ?? defaults.region,
    dr: fields?.dr ?? defaults.dr,
  };
}
