import type { Context } from "koa";
import { z } from "zod";
import { MAY_REPEAT, mayRepeat, repeats } from "../guard/fields.ts";
import { refuse } from "../refusal.ts";
import { nonceSchema, parse } from "../wire.ts";

/** The parameters of a request. The body overrides the query, and the query overrides the path. */
export type Input = {
  /**
   * Returns the value of a name; `undefined` if it is absent or empty. Throws `malformed` if it is
   * no text or repeats.
   */
  text(name: string): string | undefined;
  /**
   * Returns the value of a name that a person wrote or chose. A number in a JSON body is refused
   * too.
   */
  string(name: string): string | undefined;
  /** Returns all values of a name that may repeat. */
  texts(name: string): string[];
  /** Returns what was sent under a name, once for each time, empty values included. */
  sent(name: string): unknown[];
  /**
   * Returns what the schema of a request reads. An empty value of a field that may be absent counts
   * as absent. Throws `malformed`, or the refusal that the schema names.
   */
  read<Request extends z.ZodObject>(request: Request): z.output<Request>;
  /** Returns a whole number within a range; `otherwise` if it is absent. Throws `malformed`. */
  number(name: string, range: { min: number; max: number }, otherwise: number): number;
};

/**
 * Returns a request's input. For a request that was refused early, it has the parameters that were
 * read by then.
 */
export function inputOf(ctx: Context): Input {
  const known: Input | undefined = ctx.state.input;
  if (known) return known;
  const input = createInput(readParameters(ctx));
  if (ctx.state.body !== undefined) ctx.state.input = input;
  return input;
}

/** Sets fields of the body, for a form that names them otherwise than the API, or lacks them. */
export function setFields(ctx: Context, fields: { [name: string]: string | undefined }): void {
  Object.assign(ctx.state.body, fields);
  for (const [name, value] of Object.entries(fields)) if (value === undefined) delete ctx.state.body[name];
  ctx.state.input = undefined;
}

/** Adds parameters that a route found in its path. */
export function addPathParams(ctx: Context, params: { [name: string]: string }): void {
  ctx.state.pathParams.push(...Object.entries(params));
  ctx.state.input = undefined;
}

/**
 * Refuses a name that repeats in the path or in the query, except those that may. Throws
 * `malformed`.
 */
export function assertNoRepeats(ctx: Context): void {
  for (const place of [inPath(ctx), inQuery(ctx)])
    for (const [name, values] of place) if (values.length > 1 && !mayRepeat(name, ctx.state.guards)) throw repeats();
}

/** Returns the request's nonce, which its answer carries back. Throws `malformed`. */
export function nonceOf(input: Input): string | undefined {
  return input.read(ANY_REQUEST).n;
}

const ANY_REQUEST = z.object({ n: nonceSchema.optional() });

type Parameters = Map<string, unknown[]>;

function createInput(parameters: Parameters): Input {
  return { text, string, texts, sent: (name) => parameters.get(name) ?? [], read, number };

  function text(name: string): string | undefined {
    const values = texts(name);
    if (values.length > 1 && !MAY_REPEAT.has(name)) throw repeats();
    return values[0];
  }

  function string(name: string): string | undefined {
    if (parameters.get(name)?.some((value) => typeof value !== "string"))
      throw refuse("malformed", `${name}: a string`);
    return text(name);
  }

  function texts(name: string): string[] {
    const values = parameters.get(name) ?? [];
    if (!values.every(isText)) throw refuse("malformed", `${name}: a text`);
    return values.map(String).filter((value) => value !== "");
  }

  function read<Request extends z.ZodObject>(request: Request): z.output<Request> {
    const found: { [name: string]: unknown } = {};
    for (const { name, isList, isOptional } of fieldsOf(request)) {
      const values = parameters.get(name);
      if (values === undefined) continue;
      // The lists of names that may repeat have been opened already.
      if (isList) found[name] = MAY_REPEAT.has(name) ? values : values.flat();
      else if (values.length > 1) throw repeats();
      else if (values[0] !== "" || !isOptional) found[name] = values[0];
    }
    return parse(request, found);
  }

  function number(name: string, { min, max }: { min: number; max: number }, otherwise: number): number {
    const digits = text(name);
    if (digits === undefined) return otherwise;
    const value = numberOf(digits);
    if (!(value >= min && value <= max)) throw refuse("malformed", `${name}: a whole number from ${min} to ${max}`);
    return value;
  }
}

/** One number has one spelling: digits without a sign, a point or an exponent. */
function numberOf(digits: string): number {
  return /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN;
}

type Field = { name: string; isList: boolean; isOptional: boolean };

/** Returns the fields of a request, which are found out once. */
function fieldsOf(request: z.ZodObject): Field[] {
  const known = FIELDS.get(request);
  if (known) return known;
  const fields = Object.entries<z.ZodType>(request.shape).map(([name, schema]) => ({
    name,
    isList: isList(schema),
    isOptional: schema.safeParse(undefined).success,
  }));
  FIELDS.set(request, fields);
  return fields;
}

const FIELDS = new WeakMap<z.ZodObject, Field[]>();

function isList(schema: z.ZodType): boolean {
  if (schema instanceof z.ZodOptional) return isList(schema.unwrap() as z.ZodType);
  return schema instanceof z.ZodArray || schema instanceof z.ZodUnion;
}

function readParameters(ctx: Context): Parameters {
  const found: Parameters = new Map();
  for (const place of [inPath(ctx), inQuery(ctx)]) for (const [name, values] of place) found.set(name, values);
  for (const [name, value] of Object.entries(ctx.state.body ?? {})) found.set(name, valuesOf(name, value));
  return found;
}

/**
 * In a body, a list holds several values of a name that may repeat, and counts as no value of
 * another name.
 */
function valuesOf(name: string, value: unknown): unknown[] {
  return MAY_REPEAT.has(name) ? [value].flat() : [value];
}

function inPath(ctx: Context): Parameters {
  const { pathParams = [] } = ctx.state;
  return pathParams.length === 0 ? NONE : byName(pathParams);
}

function inQuery(ctx: Context): Parameters {
  const { query } = ctx.state;
  return query === undefined || query.size === 0 ? NONE : byName(query);
}

const NONE: Parameters = new Map();

function byName(pairs: Iterable<[string, string]>): Parameters {
  const found: Parameters = new Map();
  for (const [name, value] of pairs) {
    const before = found.get(name);
    if (before) before.push(value);
    else found.set(name, [value]);
  }
  return found;
}

function isText(value: unknown): value is string | number {
  return typeof value === "string" || typeof value === "number";
}
