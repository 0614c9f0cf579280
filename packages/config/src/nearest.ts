/**
 * The candidate a person most likely meant, or null if none is close.
 *
 * Close means that about a third of the letters differ at most (Levenshtein), or one contains the
 * other.
 */
export function nearest(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = distanceBetween(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  if (best !== null && bestDistance <= Math.ceil(word.length / 3)) return best;
  return (
    candidates.find(
      (candidate) => candidate.length > 2 && (word.includes(candidate) || candidate.includes(word)),
    ) ?? null
  );
}

function distanceBetween(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const removal = (previous[column] ?? 0) + 1;
      const insertion = (current[column - 1] ?? 0) + 1;
      current.push(Math.min(substitution, removal, insertion));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
