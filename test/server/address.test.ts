import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { networksOf, parseAddress } from "../../server/guard/address.ts";

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["203.0.113.7:49152", "203.0.113.7"],
  [" 203.0.113.7 ", "203.0.113.7"],
  ['"203.0.113.7:80"', "203.0.113.7"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["::FFFF:203.0.113.7", "203.0.113.7"],
  ["::ffff:cb00:7107", "203.0.113.7"],
  ["0:0:0:0:0:ffff:203.0.113.7", "203.0.113.7"],
  ["[::ffff:203.0.113.7]:8080", "203.0.113.7"],
  ["64:ff9b::203.0.113.7", "203.0.113.7"],
  ["2001:db8::1", "2001:db8::1"],
  ["2001:0DB8:0:0::1", "2001:db8::1"],
  ["[2001:db8::1]", "2001:db8::1"],
  ["[2001:db8::1]:443", "2001:db8::1"],
  ['"[2001:db8::1]:443"', "2001:db8::1"],
  ["fe80::1%eth0", "fe80::1"],
  ["[fe80::1%25eth0]:443", "fe80::1"],
  ["2002:cb00:7107::1", "2002:cb00:7107::1"],
  ["::", "::"],
])("the address %j is %s", (written, address) => {
  expect(parseAddress(written)).toBe(address);
});

test.each([
  "",
  " ",
  "unknown",
  "_hidden",
  "-",
  "localhost",
  "203.0.113",
  "203.0.113.256",
  "203.0.113.07",
  "3405803783",
  "0xcb.0.113.7",
  "203.0.113.7:",
  "203.0.113.7:port",
  "203.0.113.7:123456",
  "203.0.113.7/32",
  "[203.0.113.7]",
  "[2001:db8::1",
  "2001:db8::1]",
  "2001:db8::1::2",
  "[2001:db8::1]443",
  "203.0.113.7, 203.0.113.8",
  `203.0.113.7${" ".repeat(200)}`,
])("%j is not an address", (written) => {
  expect(parseAddress(written)).toBeUndefined();
});

test("any text is an address in its one spelling, or none", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.stringMatching(/^["[\]0-9a-f:.%]{0,60}$/)), (text) => {
      const address = parseAddress(text);
      if (address !== undefined) expect(parseAddress(address)).toBe(address);
    }),
  );
});

test("every port of an address counts in the same network", () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV6(), fc.integer({ min: 0, max: 65535 }), (v4, v6, port) => {
      expect(parseAddress(`${v4}:${port}`)).toBe(v4);
      expect(parseAddress(`[${v6}]:${port}`)).toBe(parseAddress(v6));
    }),
  );
});

test("IPv4 counts by address; IPv6 by /64 and by /48", () => {
  expect(networksOf("203.0.113.7")).toEqual(["203.0.113.7"]);
  expect(networksOf("2001:db8:1:2:3:4:5:6")).toEqual(["2001:db8:1:2::/64", "2001:db8:1::/48"]);
  expect(networksOf("2001:db8:1:2:ffff::")).toEqual(networksOf("2001:db8:1:2::1"));
  expect(networksOf("2001:db8:1:3::1")[0]).not.toBe(networksOf("2001:db8:1:2::1")[0]);
  expect(networksOf("2001:db8:1:3::1")[1]).toBe(networksOf("2001:db8:1:2::1")[1]);
  expect(networksOf("")).toEqual([""]);
});
