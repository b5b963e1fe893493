/**
 * Returns `members` as an object of playwright. A test that reads another member fails, with the
 * name of what is missing.
 */
export function strict<T>(kind: string, members: object): T {
  return new Proxy(members, {
    get(target, name) {
      // Await asks every value whether it is a promise.
      if (name in target || name === "then" || typeof name === "symbol") return Reflect.get(target, name);
      throw new Error(`WebKit's ${kind} has no ${name}: add it in test/support/webkit, or name the test's needs`);
    },
  }) as T;
}
