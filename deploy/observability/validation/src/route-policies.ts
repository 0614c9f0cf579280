/** What amtool does not ask of the ways alerts take: it is content with receivers that tell nobody. */
import type { Route } from "./files.ts";
import type { Policy } from "./policy.ts";

export const routePolicies: readonly Policy[] = [
  {
    name: "route-reaches",
    check: ({ alertmanager: { route, receivers } }) =>
      routesOf(route).flatMap(({ receiver }) => {
        const found = receivers.find(({ name }) => name === receiver);
        if (found === undefined) return [`the receiver ${receiver} does not exist`];
        const ways = Object.values(found).filter((way) => Array.isArray(way) && way.length > 0);
        return ways.length > 0 ? [] : [`the receiver ${receiver} tells nobody`];
      }),
  },
  {
    name: "route-used",
    check: ({ alertmanager: { route, receivers } }) => {
      const used = routesOf(route).map(({ receiver }) => receiver);
      const names = receivers.map(({ name }) => String(name));
      return names
        .filter((name) => !used.includes(name))
        .map((name) => `no route leads to the receiver ${name}`);
    },
  },
  {
    name: "route-secrets",
    check: ({ alertmanager: { receivers } }) => {
      const keys = receivers.flatMap((receiver) => keysIn(receiver));
      const shown = keys.filter((key) =>
        /^(?:routing_key|service_key|api_url|api_key|password|credentials|bearer_token)$/.test(key),
      );
      return shown.map((key) => `${key} stands in the file itself: use ${key}_file`);
    },
  },
];

function routesOf(route: Route): readonly Route[] {
  return [route, ...(route.routes ?? []).flatMap((inner) => routesOf(inner))];
}

function keysIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...keysIn(inner)]);
}
