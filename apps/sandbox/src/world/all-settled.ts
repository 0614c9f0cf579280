/**
 * As `Promise.all`, but gives the failure back only once nothing is under way any more: what is
 * still being started can be ended only after it has been started.
 * @throws the first failure in the order of `works`
 */
export async function allSettled<T extends readonly unknown[]>(
  works: T,
): Promise<{ -readonly [Index in keyof T]: Awaited<T[Index]> }> {
  await Promise.allSettled(works);
  return Promise.all(works);
}
