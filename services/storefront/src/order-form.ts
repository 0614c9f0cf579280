/** The form an order is placed with: what it holds, what is wrong with it, what it orders. */
import { randomUUID } from "node:crypto";
import { cleanText } from "@cloudphoenix/chassis";
import { z } from "zod";
import { CATALOGUE } from "./catalogue.ts";

/** What the orders service is asked for. */
export interface OrderDraft {
  readonly customer: string;
  readonly items: readonly { readonly sku: string; readonly quantity: number }[];
  readonly note?: string;
}

export type FieldName = "customer" | "sku" | "quantity" | "note";

/** The fields as they were typed. */
export interface OrderForm {
  /** Made with the form, sent with every attempt: however often it is sent, it orders once. */
  readonly key: string;
  readonly fields: Readonly<Record<FieldName, string>>;
  /** What is wrong, by field. */
  readonly mistakes: Readonly<Partial<Record<FieldName, string>>>;
}

const CUSTOMER_MAX = 200;
const NOTE_MAX = 500;
export const QUANTITY_MAX = 99;

const schema = z.object({
  customer: z.string().trim().min(1, "Tell us your name.").pipe(cleanText(CUSTOMER_MAX)),
  sku: z.enum(
    CATALOGUE.map(({ sku }) => sku),
    "Choose an article.",
  ),
  quantity: z
    .string()
    .trim()
    .regex(/^\d{1,4}$/, `Say how many, from 1 to ${QUANTITY_MAX}.`)
    .transform(Number)
    .pipe(z.number().min(1, "At least 1.").max(QUANTITY_MAX, `At most ${QUANTITY_MAX}.`)),
  note: z.string().trim().max(NOTE_MAX, `At most ${NOTE_MAX} characters.`),
});

const FIELDS: readonly FieldName[] = ["customer", "sku", "quantity", "note"];
const KEY = /^[0-9a-f-]{36}$/;

/** An empty form with a key of its own. */
export function newForm(): OrderForm {
  const sku = CATALOGUE[0]?.sku ?? "";
  return {
    key: randomUUID(),
    fields: { customer: "", sku, quantity: "1", note: "" },
    mistakes: {},
  };
}

/** The form a browser has sent; a key that is none of ours is replaced. */
export function sentForm(sent: URLSearchParams): OrderForm {
  const key = sent.get("key") ?? "";
  const fields = Object.fromEntries(FIELDS.map((name) => [name, sent.get(name) ?? ""]));
  return {
    key: KEY.test(key) ? key : randomUUID(),
    fields: { customer: "", sku: "", quantity: "", note: "", ...fields },
    mistakes: {},
  };
}

/** What the form orders, or the form with its mistakes. */
export function draftOf(
  form: OrderForm,
): { readonly draft: OrderDraft } | { readonly form: OrderForm } {
  const parsed = schema.safeParse(form.fields);
  if (!parsed.success) {
    const mistakes: Partial<Record<FieldName, string>> = {};
    for (const { path, message } of parsed.error.issues) {
      const name = FIELDS.find((field) => field === path[0]);
      if (name !== undefined) mistakes[name] ??= message;
    }
    return { form: { ...form, mistakes } };
  }
  const { customer, sku, quantity, note } = parsed.data;
  const items = [{ sku, quantity }];
  return { draft: { customer, items, ...(note !== "" && { note }) } };
}
