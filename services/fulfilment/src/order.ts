/** Orders as this service takes them, and what it makes of them. */

/** One position of an order. */
export interface OrderItem {
  readonly sku: string;
  readonly quantity: number;
}

/** An order that this process has taken. */
export interface TakenOrder {
  /** Decimal text: it may pass 2^53. */
  readonly id: string;
  /** What people and carriers call it; the same at every site, so effects outside are keyed by it. */
  readonly number: string;
  readonly items: readonly OrderItem[];
  /** From 1. Tells this attempt from earlier and later ones. */
  readonly attempts: number;
}

/** One parcel that leaves the house. */
export interface Parcel {
  /** `<order number>/<n>`: packing an order again makes the same parcels. */
  readonly label: string;
  readonly items: readonly OrderItem[];
}

/** The order cannot be fulfilled as it is, however often it is tried. The message is for people. */
export class UnfulfillableError extends Error {
  override readonly name: string = "UnfulfillableError";
}
