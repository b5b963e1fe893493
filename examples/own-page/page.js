import { connect } from "./chattera.js";

const { site } = document.body.dataset;
const form = document.getElementById("say");

// Without a nickname it only reads.
const reader = connect(site, { room: "lobby" });
reader.on("event", ({ kind, member, text }) => {
  if (kind !== "message") return;
  const line = document.createElement("li");
  line.textContent = `${member.nickname}: ${text}`;
  document.getElementById("log").append(line);
});
// From now on it misses nothing.
reader.ready.then(() => {
  form.querySelector("button").disabled = false;
});

let speaker;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { nickname, text } = form.elements;
  speaker ??= connect(site, { room: "lobby", nickname: nickname.value });
  speaker.send(text.value).catch((error) => alert(error.message));
  nickname.readOnly = true;
  text.value = "";
});
