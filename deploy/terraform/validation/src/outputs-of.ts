/** The outputs of the state a test run ended with, as `terraform output -json` prints them. */
export function outputsOf(resources: readonly unknown[]): unknown {
  return (resources.at(-1) as { readonly outputs?: unknown } | undefined)?.outputs;
}
