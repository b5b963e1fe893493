import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from "@jest/globals";
import { type Explorer, type Explorers, explorerTest, soon } from "../support/internet-explorer.ts";

/**
 * The faults of Internet Explorer that HtmlUnit's own lacks. That a page works here is worth
 * something only as long as all this does not.
 */
export function hasItsFaults(explorers: () => Explorers | undefined): void {
  let server: Server;
  let url: string;
  let ie: Explorer;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let asked: string[];

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url as string);
      if (request.url !== "/") return answer(request, response);
      response.setHeader("Content-Type", "text/html");
      response.end("<!doctype html><title>empty</title><body><!--[if lt IE 8]><p>old</p><![endif]--></body>");
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  beforeEach(async () => {
    asked = [];
    if (explorers() === undefined) return;
    ie = (await explorers()?.start("7")) as Explorer;
    await ie.open(`${url}/`);
  });

  afterEach(() => ie?.close());

  /** Puts a script tag into the page. */
  async function insert(script: string): Promise<void> {
    answer = (_, response) => response.setHeader("Content-Type", "text/javascript").end(script);
    await ie.run(`
    var script = document.createElement("script");
    script.src = "/script.js?" + new Date().getTime();
    document.body.appendChild(script);`);
  }

  /** Sends a request and writes down, at each state, what of it can be read. */
  const REQUEST = `
  window.log = window.log || [];
  window.get = function (url) {
    var request = new XMLHttpRequest();
    request.onreadystatechange = function () {
      var line = url + " " + request.readyState;
      try { line += " " + request.status + " " + request.responseText; } catch (error) { line += " unreadable"; }
      log.push(line);
    };
    request.open("GET", url, true);
    request.send(null);
    return request;
  };`;

  const log = async () => (await ie.run('return log.join("\\n")')).split("\n");

  const logged = (line: string) => soon(`"${line}" is written`, async () => (await log()).includes(line));

  describe("an Internet Explorer 7", () => {
    explorerTest("lacks everything after ES3, and identifies itself", async () => {
      const lacks = `JSON, Object.keys, Object.create, Object.defineProperty, Array.isArray, Date.now, [].forEach,
        [].indexOf, "".trim, parseInt.bind, window.Promise, window.localStorage, document.addEventListener,
        document.querySelector, document.body.textContent`.split(/,\s+/);
      const found = await ie.run(`
        var found = [];
        var things = ${JSON.stringify(lacks)};
        for (var i = 0; i < things.length; i++)
          if (eval("typeof " + things[i]) !== "undefined") found.push(things[i]);
        return found.join();`);
      expect(found).toBe("");
      expect(await ie.run("return navigator.userAgent")).toContain("MSIE 7");
      expect(await ie.see("p")).toEqual([{ text: "old" }]);
    });

    explorerTest("has JScript's faults", async () => {
      expect(await ie.run('var from = -1; return "abc".substr(from)')).toBe("abc");
      expect(await ie.run('var by = /(\\d)/; return "a1b".split(by).length')).toBe("2");
      expect(await ie.run('var by = /,/; return "a,,b,c".split(by).join("+")')).toBe("a+b+c");
      expect(await ie.run('return [3, 1, 2].splice.call([1], 0).length + " " + "1-2-3".split("-").length')).toBe("0 3");
      expect(await ie.run("var left = [1].unshift; return left.call([1], 2)")).toBe("undefined");
      expect(await ie.run('return [parseInt].concat([])[0]("010")')).toBe("8");
      expect(await ie.run('var text = "2012-01-01T00:00:00Z"; return Date["parse"](text)')).toBe("NaN");
      await ie.run("var nothing; Math.max.apply(null, nothing)");
      expect(await ie.errors()).toEqual([expect.stringContaining("Array or arguments object expected")]);
    });

    explorerTest("refuses a whole script for one comma", async () => {
      await insert("window.first = [1, 2,];");
      await soon("it is refused", async () => (await ie.errors()).length === 1);
      expect(await ie.errors()).toEqual([expect.stringContaining("a comma at the end")]);
      await insert("window.second = 1;");
      await soon("it runs", async () => (await ie.run("return typeof second")) === "number");
      expect(await ie.run("return typeof first")).toBe("undefined");
      expect(await ie.errors()).toHaveLength(1);
    });

    explorerTest("shows nothing of an answer before it is complete", async () => {
      answer = (_, response) => {
        response.setHeader("Cache-Control", "no-store");
        response.write("first ");
        release = () => response.end("last");
      };
      let release: (() => void) | undefined;
      await ie.run(`${REQUEST} get("/slow")`);
      await soon("the request is there", () => release);
      await logged("/slow 2 unreadable");
      release?.();
      await logged("/slow 4 200 first last");
      expect(await log()).toContain("/slow 3 unreadable");
    });

    explorerTest("reports a 204 as 1223, an unreachable server as 12029, and a cut connection as 12152", async () => {
      answer = (request, response) => {
        if (request.url === "/cut") request.socket.destroy();
        else response.writeHead(204).end();
      };
      await ie.run(`${REQUEST} get("/nothing"); get("/cut"); get("http://127.0.0.1:1/")`);
      await logged("/nothing 4 1223 ");
      await logged("/cut 4 12152 ");
      await logged("http://127.0.0.1:1/ 4 12029 ");
    });

    explorerTest("ends an aborted request at once, with nothing to read, and the server notices", async () => {
      let gone = false;
      answer = (request) => request.socket.once("close", () => (gone = true));
      await ie.run(`${REQUEST} window.request = get("/held")`);
      await soon("the request is there", () => asked.includes("/held"));
      expect(await ie.run("request.abort(); return request.readyState")).toBe("0");
      await soon("the connection is closed", () => gone);
      expect((await log()).filter((line) => line.includes(" 4"))).toEqual(["/held 4 unreadable"]);
    });

    explorerTest("answers a GET from its cache unless that is forbidden", async () => {
      answer = (request, response) => {
        if (request.url?.startsWith("/fresh")) response.setHeader("Cache-Control", "no-store");
        response.end(String(asked.length));
      };
      for (const path of ["/kept", "/fresh"]) {
        await ie.run(`${REQUEST} log.length = 0; get("${path}")`);
        await soon("it is answered", async () => (await log()).some((line) => line.startsWith(`${path} 4`)));
        await ie.run(`${REQUEST} log.length = 0; get("${path}")`);
        await soon("it is answered", async () => (await log()).some((line) => line.startsWith(`${path} 4`)));
      }
      expect(asked.slice(1)).toEqual(["/kept", "/fresh", "/fresh"]);
    });

    explorerTest("never runs a timer that was cleared, however late", async () => {
      await ie.run(`${REQUEST}
        var timer = setTimeout(function () { log.push("cleared"); }, 1);
        var since = new Date().getTime();
        while (new Date().getTime() - since < 200);
        clearTimeout(timer);
        setTimeout(function () { log.push("kept"); }, 100);`);
      await logged("kept");
      expect(await log()).toEqual(["kept"]);
    });

    explorerTest("continues while an inserted script is loading", async () => {
      let release: (() => void) | undefined;
      answer = (_, response) => {
        response.setHeader("Content-Type", "text/javascript");
        release = () => response.end("log.push('loaded');");
      };
      await ie.run(`${REQUEST}
        var script = document.createElement("script");
        script.src = "/slow.js";
        document.body.appendChild(script);
        setTimeout(function () { log.push("timer"); }, 10);`);
      await soon("the script is asked for", () => release);
      await logged("timer");
      expect(await log()).toEqual(["timer"]);
      release?.();
      await logged("loaded");
    });

    explorerTest("reports that a script could not be loaded by its readyState alone", async () => {
      answer = (request, response) => {
        if (request.url === "/cut.js") request.socket.destroy();
        else if (request.url === "/error.js") response.writeHead(502).end("<html>Bad Gateway</html>");
        else response.setHeader("Content-Type", "text/javascript").end("log.push('runs');");
      };
      await ie.run(`window.log = [];
        window.load = function (path) {
          var script = document.createElement("script");
          script.onerror = function () { log.push(path + " error"); };
          script.onload = function () { log.push(path + " load"); };
          script.onreadystatechange = function () { log.push(path + " " + script.readyState); };
          script.src = path;
          document.body.appendChild(script);
        };`);
      for (const path of ["/cut.js", "/error.js", "/fine.js"]) {
        await ie.run(`load("${path}")`);
        await logged(`${path} loaded`);
      }
      const states = (path: string) => [`${path} loading`, `${path} loaded`];
      const ran = ["/fine.js loading", "runs", "/fine.js loaded"];
      expect(await log()).toEqual([...states("/cut.js"), ...states("/error.js"), ...ran]);
    });

    explorerTest("has two connections to a host: the third request waits, and blocks nothing else", async () => {
      const held: ServerResponse[] = [];
      answer = (request, response) => {
        response.setHeader("Cache-Control", "no-store");
        if (request.url?.startsWith("/held")) held.push(response);
        else response.end("quick");
      };
      await ie.run(`${REQUEST} get("/held1")`);
      await soon("one is held", () => held.length === 1);
      await ie.run('get("/quick")');
      await logged("/quick 4 200 quick");
      await ie.run('get("/held2")');
      await soon("two are held", () => held.length === 2);
      await ie.run('get("/third")');
      await ie.run("setTimeout(function () { log.push('timer'); }, 100)");
      await logged("timer");
      expect(asked).not.toContain("/third");
      held[0]?.end("now");
      await logged("/third 4 200 quick");
      held[1]?.end();
    });
  });

  explorerTest("Internet Explorer 6 sends requests by ActiveX, and 8 identifies itself as 8", async () => {
    const six = (await explorers()?.start("6")) as Explorer;
    await six.open(`${url}/`);
    expect(await six.run("return typeof XMLHttpRequest")).toBe("undefined");
    answer = (_, response) => response.end("by ActiveX");
    await six.run(
      REQUEST.replace("new XMLHttpRequest()", 'new ActiveXObject("Microsoft.XMLHTTP")').concat('get("/six")'),
    );
    await soon("it is answered", async () => (await six.run("return log.join()")).includes("/six 4 200 by ActiveX"));
    await six.close();
    const eight = (await explorers()?.start("8")) as Explorer;
    await eight.open(`${url}/`);
    expect(await eight.see("p")).toEqual([]);
    await eight.close();
  });
}
