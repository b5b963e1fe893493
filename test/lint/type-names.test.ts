import { expect, test } from "@jest/globals";
import { projectFiles } from "../../lint/files.ts";
import { exportedTypes } from "../../lint/type-names.ts";

test("each exported type has a name of its own in the whole project", () => {
  const exporters = exportedTypes(projectFiles());
  expect(exporters.get("Config")).toHaveLength(1);
  expect([...exporters].filter(([, files]) => files.length > 1)).toEqual([]);
});
