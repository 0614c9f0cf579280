import * as fc from "fast-check";
import { expect, test } from "vitest";
import { child, childText, escapeXml, parseXml } from "../../src/wire/parse-xml.ts";

test("reads nested elements, attributes, entities and empty elements", () => {
  const root = parseXml(
    `<?xml version="1.0"?>\n<List a="1"><Blob><Name Encoded="true">a&amp;b&#x41;&#66;</Name><Empty/><Gone></Gone></Blob>\n <Next /></List>`,
  );
  const blob = root && child(root, "Blob");
  const name = blob && child(blob, "Name");

  expect(root?.attributes).toBe('a="1"');
  expect(name).toMatchObject({ text: "a&bAB", attributes: 'Encoded="true"' });
  expect(blob && childText(blob, "Empty")).toBe("");
  expect(blob && childText(blob, "Gone")).toBe("");
  expect(root && childText(root, "Next")).toBe("");
  expect(root && childText(root, "Missing")).toBeUndefined();
});

test("does not mistake an element inside another for a neighbour", () => {
  const root = parseXml("<E><Metadata><E>x</E><Name>y</Name></Metadata><Name>z</Name></E>");

  expect(root && childText(root, "Name")).toBe("z");
});

test.each(["", "no xml", "<a>", "<a><b></a>", "<a></a", "<a/><b/>", "</a>", "<a><b></b>"])(
  "says of %j that it is not whole",
  (xml) => {
    expect(parseXml(xml)).toBeNull();
  },
);

test("no beginning of a document passes for the whole", () => {
  const xml = "<L><C><Key>k</Key><Size>1</Size></C><Next>n</Next></L>";
  for (let length = 0; length < xml.length; length += 1) {
    expect(parseXml(xml.slice(0, length))).toBeNull();
  }
});

test("any text comes back as it was", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(parseXml(`<a>${escapeXml(text)}</a>`)?.text).toBe(text);
    }),
  );
});
