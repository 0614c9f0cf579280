/** Queries that the guide tells people to type. */

/** A line of a block of queries. */
interface GuideQuery {
  readonly language: "promql" | "logql";
  readonly expr: string;
}

/** Every line of a fenced block that has comments, which blocks of shell commands here do not. */
export function guideQueries(guide: string): readonly GuideQuery[] {
  const blocks = [...guide.matchAll(/^```\n(.*?)^```/gms)].map(([, block = ""]) => block);
  return blocks
    .filter((block) => /^# /m.test(block))
    .flatMap((block) => block.split("\n"))
    .filter((line) => line !== "" && !line.startsWith("# "))
    .map((expr) => ({ language: /\{app[=~]/.test(expr) ? "logql" : "promql", expr }));
}
