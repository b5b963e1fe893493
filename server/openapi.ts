import { z } from "zod";
import type { Operation } from "./api-call.ts";
import { KEEPING_OPERATIONS, OPERATOR_OPERATIONS } from "./api-keeping-operations.ts";
import { OPERATIONS } from "./api-operations.ts";
import { components, problems } from "./api-schemas.ts";
import { REFUSALS } from "./refusal.ts";
import { seqSchema } from "./wire.ts";

/** A body that is too large, or of another type. */
const OF_BODIES = [413, 415];

/** All calls that are described. The doctor's own are not. */
const ALL = [...OPERATIONS, ...KEEPING_OPERATIONS, ...OPERATOR_OPERATIONS];

/**
 * Returns the description of the API in OpenAPI 3.1 [OAS 3.1.1]. The schemas of parameters and
 * bodies are those by which the server reads requests. `base` is the site's base path.
 */
export function describeApi(base: string): object {
  return {
    openapi: "3.1.1",
    info: {
      title: "chattera",
      version: "2",
      summary: "Rooms in which people talk, over plain HTTP.",
      description: "docs/protocol.md says what each call promises.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: base === "" ? "/" : base }],
    tags: [{ name: "chattera", description: "All calls." }],
    paths: pathsOf(ALL),
    components: {
      schemas: schemasOf(),
      securitySchemes: {
        operator: {
          type: "apiKey",
          in: "cookie",
          name: "chattera-operator-PORT",
          description: "The cookie of operators.",
        },
        session: { type: "http", scheme: "bearer", description: "The token of POST /api/session." },
      },
    },
  };
}

function pathsOf(operations: Operation[]): object {
  const paths: { [path: string]: { [method: string]: object } } = {};
  for (const operation of operations) {
    const path = operation.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [operation.method]: describe(operation) };
  }
  return paths;
}

function describe({ id, method, path, summary, request, answers, refusals, ...needs }: Operation): object {
  const body = method === "post" ? request : undefined;
  const query = method === "get" && request instanceof z.ZodObject ? request.shape : {};
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: name === "seq" ? jsonOf(seqSchema) : { type: "string" },
  }));
  const inQuery = Object.entries<z.ZodType>(query).map(([name, schema]) => ({
    name,
    in: "query",
    required: !schema.safeParse(undefined).success,
    schema: jsonOf(schema),
  }));
  const parameters = [...inPath, ...inQuery];
  return {
    operationId: id,
    tags: ["chattera"],
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: { "application/json": { schema: refTo(body) } } } }),
    responses: { ...answersOf(answers), ...refusalsOf(body ? [...refusals, ...OF_BODIES] : refusals) },
    // A read needs no session. With one, the reader counts as its member.
    security: securityOf(needs),
  };
}

function securityOf({ isPersonal, isOperators }: Pick<Operation, "isPersonal" | "isOperators">): object[] {
  if (isOperators) return [{ operator: [] }];
  return isPersonal ? [{ session: [] }] : [{}, { session: [] }];
}

function answersOf(answers: Operation["answers"]): object {
  return Object.fromEntries(
    Object.entries(answers).map(([status, answer]) => {
      const [type, schema] =
        typeof answer === "string" ? [answer, { type: "string" }] : ["application/json", refTo(answer)];
      return [status, { description: status === "201" ? "It is stored." : "OK", content: { [type]: { schema } } }];
    }),
  );
}

function refusalsOf(statuses: Operation["refusals"]): object {
  return Object.fromEntries(
    statuses.map((status) => {
      const codes = Object.entries(REFUSALS).filter(([, refusal]) => refusal.status === status);
      const description = `Refused: ${codes.map(([code]) => code).join(", ")}.`;
      return [status, { description, content: { "application/problem+json": { schema: refTo(problemOf(status)) } } }];
    }),
  );
}

function problemOf(status: number): z.ZodType {
  return problems[status] as z.ZodType;
}

function refTo(schema: z.ZodType): object {
  return { $ref: `#/components/schemas/${components.get(schema)?.id}` };
}

function jsonOf(schema: z.ZodType): object {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io: "input" });
  return json;
}

function schemasOf(): object {
  const { schemas } = z.toJSONSchema(components, { io: "input", uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _dialect, $id: _uri, ...schema }]) => [id, schema]),
  );
}
