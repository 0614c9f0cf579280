import type { Application, Roles } from "@cloudphoenix/core";

/** Where an application starts its life: at its preferred site, before any run. */
export function firstRoles({ sites }: Application): Roles {
  const [home] = sites;
  if (home === undefined) throw new RangeError("an application has at least one site");
  return { generation: 1, active: home.id, claimedBy: null, protected: true };
}
