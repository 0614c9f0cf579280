/** What the shop sells. */
export interface Article {
  readonly sku: string;
  readonly name: string;
}

export const CATALOGUE: readonly Article[] = [
  { sku: "lantern-01", name: "Storm lantern" },
  { sku: "rope-20", name: "Rope, 20 m" },
  { sku: "kettle-02", name: "Camp kettle" },
  { sku: "blanket-wool", name: "Wool blanket" },
];

/** What people call an article; its number if it is not sold any more. */
export function articleName(sku: string): string {
  return CATALOGUE.find((article) => article.sku === sku)?.name ?? sku;
}
