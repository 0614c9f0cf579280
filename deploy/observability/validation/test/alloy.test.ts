// The reader of Alloy's language: what it must refuse, so that nothing wrong looks checked.
import { expect, test } from "vitest";
import { checkAlloy } from "../src/alloy/check-alloy.ts";
import { parseAlloy } from "../src/alloy/parse-alloy.ts";

test("blocks, labels, attributes, lists, objects, calls and comments are read", () => {
  const [block] = parseAlloy(`
// a comment
loki.write "logs" { /* another */
  external_labels = { site = sys.env("SITE"), "zone" = \`a\` }
  endpoint {
    url     = "https://" + sys.env("HOST")
    headers = {
      "X-A" = "1",
    }
  }
}
`);
  expect(block).toMatchObject({ name: "loki.write", label: "logs", line: 3 });
  expect(block?.attributes.get("external_labels")).toMatchObject({ kind: "object" });
  expect(block?.blocks.map(({ name }) => name)).toEqual(["endpoint"]);
});

test.each([
  ["a block that is not closed", 'a.b "c" {\n  d = 1\n', /line 3/],
  ["a brace too many", "a {\n}\n}\n", /line 3/],
  ["a value that is missing", "a {\n  b =\n}\n", /line 2: a value is missing/],
  ["two attributes on a line", "a {\n  b = 1 c = 2\n}\n", /line 2: a new line is missing/],
  ["a list without its last comma", "a {\n  b = [\n    1\n  ]\n}\n", /line 3: a comma or ]/],
  ["an attribute set twice", "a {\n  b = 1\n  b = 2\n}\n", /line 3: b is set twice/],
  ["a text that does not end", 'a {\n  b = "c\n}\n', /line 2: unexpected "/],
  ["a label that is no name", 'a "b-c" {\n}\n', /line 1: b-c is no label/],
  ["an attribute outside of blocks", "a = 1\n", /outside of any block/],
  ["a character that means nothing", "a {\n  b = 1;\n}\n", /line 2: unexpected ;/],
])("%s is refused with its line", (_, source, problem) => {
  expect(() => parseAlloy(source)).toThrow(problem);
});

test("a function that is not known is no way around references", () => {
  const findings = checkAlloy(
    parseAlloy('loki.write "a" {\n  endpoint {\n    url = sys.secret("X")\n  }\n}\n'),
  );
  expect(findings).toContain("loki.write.a (line 1) refers to sys.secret, which does not exist");
});
