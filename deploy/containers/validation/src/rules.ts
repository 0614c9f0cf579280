/** Every rule of this project about images. */
import {
  type ImageFile,
  imagesOf,
  inForce,
  type Instruction,
  lineageOf,
  scriptOf,
  type Stage,
} from "./image-file.ts";
import { at, type Rule } from "./rule.ts";

const KNOWN = new Set(
  "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR".split(
    " ",
  ),
);
/** Bases without shell and package manager. */
const MINIMAL = /^gcr\.io\/distroless\//;
/** Below this, ids may belong to users of the host. */
const UID_MIN = 10_000;
const SECRET_NAME = /passw|secret|token|credential|private|(^|_)key($|_)/i;

export const rules: readonly Rule[] = [
  {
    name: "known-instructions",
    check: (file) =>
      everything(file)
        .filter(({ keyword }) => !KNOWN.has(keyword))
        .map(({ keyword, line }) => `line ${line}: ${keyword} is no instruction`),
  },
  {
    name: "several-stages",
    check: (file) =>
      imagesOf(file)
        .filter((image) => !inForce(file, image, "COPY").some(({ flags }) => "from" in flags))
        .map((image) => `${at(image)}: it copies nothing from a stage that built it`),
  },
  {
    name: "base-of-one-release",
    check: (file) =>
      basesOf(file)
        .filter(({ base }) => !isOneRelease(base))
        .map((stage) => `${at(stage)}: "${stage.base}" names no version and no release`),
  },
  {
    name: "digest-at-build",
    check: (file, { pipeline }) =>
      basesOf(file)
        .filter(({ base }) => !HAS_DIGEST.test(base))
        .filter((stage) => !getsDigest(stage, pipeline))
        .map(
          (stage) =>
            `${at(stage)}: the tag "${stage.base}" can move, and the pipeline gives no digest for it`,
        ),
  },
  {
    name: "minimal-base",
    check: (file) =>
      imagesOf(file)
        .filter((image) => !MINIMAL.test(lineageOf(file, image).at(-1)?.base ?? ""))
        .map((image) => `${at(image)}: its base brings a shell and a package manager`),
  },
  {
    name: "nothing-run-in-images",
    check: (file) =>
      imagesOf(file).flatMap((image) =>
        inForce(file, image, "RUN").map((run) => `${at(image, run)}: build in a stage before`),
      ),
  },
  {
    name: "unprivileged-user",
    check: (file, { containers }) =>
      imagesOf(file).flatMap((image) => {
        const [user] = inForce(file, image, "USER");
        const [, uid = ""] = /^(\d+):\d+$/.exec(user?.text.trim() ?? "") ?? [];
        if (uid === "") return [`${at(image, user)}: USER must be a numeric user and group`];
        if (Number(uid) < UID_MIN) return [`${at(image, user)}: user ${uid} is below ${UID_MIN}`];
        return containers
          .filter((one) => one.image === image.name && one.runAsUser !== Number(uid))
          .map((one) => `${at(image, user)}: the manifest of ${one.name} runs as ${one.runAsUser}`);
      }),
  },
  {
    name: "exec-form",
    check: (file) =>
      imagesOf(file).flatMap((image) => {
        const own = ["ENTRYPOINT", "CMD"].flatMap((keyword) => inForce(file, image, keyword));
        return own
          .filter(({ exec }) => exec === null)
          .map((one) => `${at(image, one)}: a shell would swallow signals; write a JSON array`);
      }),
  },
  {
    name: "entry-point-exists",
    check: (file, { exists }) =>
      imagesOf(file).flatMap((image) => {
        const [entry] = inForce(file, image, "ENTRYPOINT");
        const script = scriptOf(entry);
        if (!exists(script)) return [`${at(image, entry)}: there is no ${script}`];
        const copied = inForce(file, image, "COPY").some(({ words }) =>
          script.startsWith(`${words.at(-1)}/`),
        );
        return copied ? [] : [`${at(image, entry)}: ${script} is not copied into the image`];
      }),
  },
  {
    name: "health-check",
    check: (file) =>
      imagesOf(file).flatMap((image) => {
        const [check] = inForce(file, image, "HEALTHCHECK");
        if (check === undefined) return [`${at(image)}: it has no health check`];
        return check.exec === null ? [`${at(image, check)}: there is no shell to run it`] : [];
      }),
  },
  {
    name: "no-add",
    check: (file) =>
      everything(file)
        .filter(({ keyword }) => keyword === "ADD")
        .map(({ line }) => `line ${line}: ADD fetches and unpacks; use COPY`),
  },
  {
    name: "no-secrets",
    check: (file) =>
      everything(file)
        .filter(({ keyword }) => keyword === "ARG" || keyword === "ENV")
        .flatMap(({ line, words }) =>
          words
            .map((word) => word.split("=")[0] ?? "")
            .filter((name) => SECRET_NAME.test(name))
            .map((name) => `line ${line}: ${name} would stay readable in the image's history`),
        ),
  },
  {
    name: "reproducible-install",
    check: (file) =>
      everything(file)
        .filter(({ keyword, text }) => keyword === "RUN" && /\bnpm\b/.test(text))
        .filter(({ text }) => !isReproducible(text))
        .map(
          ({ line }) =>
            `line ${line}: install with npm ci, --omit=dev, --ignore-scripts and one --workspace`,
        ),
  },
  {
    name: "nothing-fetched",
    check: (file) =>
      everything(file)
        .filter(
          ({ keyword, text }) => keyword === "RUN" && /\b(curl|wget|sudo|apt(-get)?)\b/.test(text),
        )
        .map(({ line }) => `line ${line}: what is fetched here is pinned by nothing`),
  },
  {
    name: "read-only-root",
    check: (file) =>
      imagesOf(file).flatMap((image) => [
        ...inForce(file, image, "VOLUME").map(
          (volume) => `${at(image, volume)}: a volume is a place to write`,
        ),
        ...inForce(file, image, "ENV")
          .filter(({ text }) => /(CACHE|DIR|HOME)=(?!\/tmp\b)/.test(text))
          .map((env) => `${at(image, env)}: only /tmp can be written`),
      ]),
  },
  {
    name: "ignore-everything-else",
    check: (_file, { ignored }) => {
      if (ignored === null) return ["there is no Dockerfile.dockerignore"];
      if (ignored[0] !== "*")
        return ["Dockerfile.dockerignore must begin by leaving out everything"];
      const wanted = ["**/node_modules", "**/test", "**/.env*", "**/*.pem", "**/*.key"];
      return wanted
        .filter((line) => !ignored.includes(line))
        .map((line) => `Dockerfile.dockerignore must leave out ${line}`);
    },
  },
  {
    name: "same-as-manifests",
    check: (file, { containers }) =>
      containers.flatMap(({ image, name, command }) => {
        const stage = imagesOf(file).find((each) => each.name === image);
        if (stage === undefined) return [`${name}: there is no target ${image}`];
        const entry = inForce(file, stage, "ENTRYPOINT")[0]?.exec ?? [];
        const copies = command[1]?.startsWith("/opt/") === true;
        return copies || command.join(" ") === entry.join(" ")
          ? []
          : [`${name} runs "${command.join(" ")}", the image "${entry.join(" ")}"`];
      }),
  },
];

/** What is wrong, each finding after the name of its rule. */
export function checkRules(...[file, surroundings]: Parameters<Rule["check"]>): readonly string[] {
  if (imagesOf(file).length === 0) throw new RangeError("nothing to check: no image");
  return rules.flatMap(({ name, check }) =>
    check(file, surroundings).map((finding) => `${name}: ${finding}`),
  );
}

function everything(file: ImageFile): readonly Instruction[] {
  return [...file.global, ...file.stages.flatMap(({ instructions }: Stage) => instructions)];
}

/** Stages that stand on somebody else's image. */
function basesOf({ stages }: ImageFile): readonly Stage[] {
  return stages.filter(({ base }) => !stages.some(({ name }) => name === base));
}

const HAS_DIGEST = /@sha256:[0-9a-f]{64}$/;

/** A digest, three numbers, or a distroless image of one release of its distribution, which has no numbers. */
function isOneRelease(base: string): boolean {
  if (HAS_DIGEST.test(base)) return true;
  if (/^gcr\.io\/distroless\/[a-z0-9-]+-debian\d+:nonroot$/.test(base)) return true;
  return /:\d+\.\d+\.\d+(-[a-z0-9.-]+)?$/.test(base);
}

/** Whether every build of the pipeline replaces the base by the same tag with its digest of that moment. */
function getsDigest({ base, argument }: Stage, pipeline: string): boolean {
  if (argument === null || !pipeline.includes(`${argument}: ${base}\n`)) return false;
  const [, output] = new RegExp(`echo "(\\w+)=\\$${argument}@\\$\\(digest `).exec(pipeline) ?? [];
  const [, variable] =
    new RegExp(`(\\w+): \\$\\{\\{ needs\\.bases\\.outputs\\.${output} \\}\\}`).exec(pipeline) ?? [];
  const builds = pipeline.split("docker buildx build ").slice(1);
  const given = `--build-arg ${argument}="$${variable}"`;
  return builds.length > 0 && builds.every((build) => build.includes(given));
}

function isReproducible(text: string): boolean {
  const isInstall = /\bnpm ci\b/.test(text) && !/\bnpm (i|install)\b/.test(text);
  const flags = ["--omit=dev", "--ignore-scripts", "--workspace "];
  return isInstall && flags.every((flag) => text.includes(flag));
}
