import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

const { SITE = "http://localhost:3000", PORT = "4000" } = process.env;
const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");

const files = {
  "/": ["text/html", read("index.html").replace("{{site}}", SITE)],
  "/page.js": ["text/javascript", read("page.js")],
  // One file without imports, which a bundler would put into your own script.
  "/chattera.js": ["text/javascript", readFileSync(fileURLToPath(import.meta.resolve("chattera/client")), "utf8")],
};

const server = createServer((request, response) => {
  const [type, content] = files[request.url] ?? ["text/plain", undefined];
  response.writeHead(content === undefined ? 404 : 200, { "content-type": `${type}; charset=utf-8` });
  response.end(content);
});
server.listen(Number(PORT), () => console.log(`http://localhost:${server.address().port}`));
