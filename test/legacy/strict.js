// biome-ignore-all lint: the engine it runs in is of 2012
// Runs after prelude.js: a strict security zone, or a company's rule, refuses requests and ActiveX.
(function (window) {
  function refuse() {
    throw new Error("Automation server can't create object");
  }
  if (window.XMLHttpRequest) window.XMLHttpRequest = refuse;
  window.ActiveXObject = refuse;
})(this);
