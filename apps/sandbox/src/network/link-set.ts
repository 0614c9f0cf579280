/** The links of a sandbox by name. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Random } from "@cloudphoenix/engine";
import { type Impairment, Link, type LinkStats } from "../links/index.ts";
import type { LinkSpec } from "./operations.ts";

export class LinkSet {
  readonly #links: ReadonlyMap<string, Link>;
  readonly #specs: readonly LinkSpec[];

  private constructor(specs: readonly LinkSpec[], links: readonly Link[]) {
    this.#specs = specs;
    this.#links = new Map(links.map((link) => [link.name, link]));
  }

  /** Opens all or none. @throws {CloudPhoenixError} `PORT_TAKEN` */
  static async open(specs: readonly LinkSpec[], random: Random): Promise<LinkSet> {
    const opened = await Promise.allSettled(specs.map((spec) => Link.open({ ...spec, random })));
    const links = opened.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const failure = opened.find((each) => each.status === "rejected");
    if (failure === undefined) return new LinkSet(specs, links);
    await Promise.all(links.map((link) => link.close()));
    throw failure.reason;
  }

  /** Names of the links for which `matches` holds. */
  names(matches: (spec: LinkSpec) => boolean): readonly string[] {
    return this.#specs.filter(matches).map(({ name }) => name);
  }

  /** @throws {CloudPhoenixError} `NOT_FOUND`, before anything is changed */
  impair(owner: string, names: readonly string[], impairment: Impairment): void {
    const links = names.map((name) => this.#link(name));
    for (const link of links) link.impair(owner, impairment);
  }

  repair(owner: string): void {
    for (const link of this.#links.values()) link.impair(owner, null);
  }

  stats(): Readonly<Record<string, LinkStats>> {
    return Object.fromEntries([...this.#links].map(([name, link]) => [name, link.stats()]));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close()));
  }

  #link(name: string): Link {
    const link = this.#links.get(name);
    if (link === undefined) {
      throw new CloudPhoenixError("NOT_FOUND", `there is no link ${name}`, { retryable: false });
    }
    return link;
  }
}
