/**
 * Writes the parts of the docs that come from code. With --check it only reports what is out of
 * date.
 */
await import("./write-configuration.ts");
await import("./write-imports.ts");
await import("./write-openapi.ts");
await import("./write-api.ts");

export {};
