import { connect } from "chattera/client";

const [url = "http://localhost:3000", slug = "lobby"] = process.argv.slice(2);
const room = connect(url, { room: slug, nickname: "clock" });

room.on("event", ({ kind, text }) => {
  if (kind !== "message" || text.trim() !== "!time") return;
  // Sent exactly once, however often the connection breaks.
  room.send(`It is ${new Date().toLocaleTimeString("en-GB")}.`).catch(report);
});
room.on("refused", ({ code }) => console.error(`The site refused it: ${code}`));

process.once("SIGINT", () => room.close());
process.once("SIGTERM", () => room.close());

room.ready.then(() => console.log(`Reading ${slug} at ${url}. Send !time there.`)).catch(report);

function report(error) {
  console.error(error.message);
  process.exitCode = 1;
}
