import { expect, test } from "@jest/globals";
import type { DoctorReply } from "../../client/doctor/environment.ts";
import { requestByXhr, seesStreams } from "../../client/doctor/xhr.ts";

// Node has neither XMLHttpRequest nor ActiveX, like a browser in which both are switched off.

test("the doctor says that a browser without requests has no network", async () => {
  const reply = await new Promise<DoctorReply>((resolve) =>
    requestByXhr({ method: "GET", url: "/", timeoutMs: 1_000 }, resolve),
  );
  expect(reply).toMatchObject({ status: 0, error: "network" });
  expect(seesStreams()).toBe(false);
});

test("a request that the browser refuses to send is answered once", async () => {
  class Refusing {
    responseText = "";
    open(): void {
      throw new Error("zone");
    }
    abort(): void {}
  }
  Object.assign(globalThis, { XMLHttpRequest: Refusing });
  const replies: DoctorReply[] = [];
  await new Promise<void>((resolve) =>
    requestByXhr({ method: "GET", url: "/", timeoutMs: 1_000 }, (reply) => {
      replies.push(reply);
      resolve();
    }),
  );
  Reflect.deleteProperty(globalThis, "XMLHttpRequest");
  expect(replies).toMatchObject([{ status: 0, error: "network" }]);
});
