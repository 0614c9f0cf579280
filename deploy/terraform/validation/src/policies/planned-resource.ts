/** One resource of a plan or state, in one form whatever it came from. */
export interface PlannedResource {
  readonly address: string;
  /** Address of the module it stands in; empty at the root. */
  readonly module: string;
  readonly type: string;
  /** Attributes; what only an apply would tell is `UNKNOWN`. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** Stands for a value that is given but not known before an apply. */
export const UNKNOWN = "(known after apply)";

interface StateModule {
  readonly address?: string;
  readonly resources?: readonly {
    readonly address: string;
    readonly mode: string;
    readonly type: string;
    readonly values: Readonly<Record<string, unknown>>;
  }[];
  readonly child_modules?: readonly StateModule[];
}

interface Change {
  readonly address: string;
  readonly module_address?: string;
  readonly mode: string;
  readonly type: string;
  readonly change: { readonly after: unknown; readonly after_unknown: unknown };
}

/**
 * Resources of a plan (`terraform show -json`, `test_plan`) or of a state (`test_state`). Throws if there are
 * none: a policy that looks at nothing finds nothing.
 */
export function plannedResources(shown: unknown): readonly PlannedResource[] {
  const { resource_changes: changes, root_module: state } = shown as {
    readonly resource_changes?: readonly Change[];
    readonly root_module?: StateModule;
  };
  const found = changes?.filter(isManaged).map(fromChange) ?? fromModule(state ?? {});
  if (found.length === 0) throw new Error("The plan or state has no resources.");
  return found;
}

function isManaged({ mode }: { readonly mode: string }): boolean {
  return mode === "managed";
}

function fromChange({ address, module_address = "", type, change }: Change): PlannedResource {
  const known = (change.after ?? {}) as Readonly<Record<string, unknown>>;
  const unknown = (change.after_unknown ?? {}) as Readonly<Record<string, unknown>>;
  const markers = Object.entries(unknown)
    .filter(([, value]) => value === true)
    .map(([name]) => [name, UNKNOWN]);
  return {
    address,
    module: module_address,
    type,
    values: { ...known, ...Object.fromEntries(markers) },
  };
}

function fromModule(module: StateModule): readonly PlannedResource[] {
  const own = (module.resources ?? []).filter(isManaged).map(({ address, type, values }) => ({
    address,
    module: module.address ?? "",
    type,
    values,
  }));
  return [...own, ...(module.child_modules ?? []).flatMap(fromModule)];
}

/** First element of a nested block, or nothing. */
export function nested(
  values: Readonly<Record<string, unknown>>,
  name: string,
): Readonly<Record<string, unknown>> {
  const value = values[name];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return (typeof first === "object" && first !== null ? first : {}) as Readonly<
    Record<string, unknown>
  >;
}

/** Whether an attribute is set, be its value known or not. */
export function given(values: Readonly<Record<string, unknown>>, name: string): boolean {
  const value = values[name] ?? null;
  return value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);
}
