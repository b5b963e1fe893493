// biome-ignore-all lint/style/useConsistentTypeDefinitions: The compiler looks for interfaces with these names.
// biome-ignore-all lint/complexity/noBannedTypes: This file defines Function and Object.
// biome-ignore-all lint/suspicious/noShadowRestrictedNames: There is no other Math.
// biome-ignore-all lint/suspicious/noEmptyInterface: Nothing of them may be used.

// All that the core may use: what every browser since Internet Explorer 6 has. The compiler knows
// nothing else here.
interface Array<T> {
  [index: number]: T;
  length: number;
  concat(...lists: T[][]): T[];
  push(...items: T[]): number;
  slice(start: number, end?: number): T[];
}
interface Boolean {}
interface CallableFunction extends Function {}
interface Function {}
interface IArguments {}
interface Math {
  abs(x: number): number;
  ceil(x: number): number;
  floor(x: number): number;
  max(...numbers: number[]): number;
  min(...numbers: number[]): number;
}
interface NewableFunction extends Function {}
interface Number {
  toString(radix?: number): string;
}
interface Object {}
declare const Object: {
  prototype: {
    toString: { call(value: unknown): string };
    hasOwnProperty: { call(value: object, name: string): boolean };
  };
};
interface RegExp {
  test(text: string): boolean;
}
interface String {
  length: number;
  charAt(at: number): string;
  charCodeAt(at: number): number;
  indexOf(text: string, from?: number): number;
  split(by: string): string[];
  slice(start: number, end?: number): string;
}
interface SymbolConstructor {}
declare function encodeURIComponent(text: string): string;
declare function parseInt(text: string, radix: number): number;
declare const String: (value: unknown) => string;
declare const Math: Math;
type Exclude<T, U> = T extends U ? never : T;
type Partial<T> = { [P in keyof T]?: T[P] };
type Pick<T, K extends keyof T> = { [P in K]: T[P] };
