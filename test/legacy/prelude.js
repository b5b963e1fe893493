// biome-ignore-all lint: the engine it runs in is of 2012
// Runs in every window before the page's scripts, in the engine that plays Internet Explorer: takes
// away what came after ES3, and makes what is there misbehave as it does in JScript 5.7.
(function (window) {
  var define = Object.defineProperty;
  var call = Function.prototype.call;
  var NOT_YET = "The data necessary to complete this operation is not yet available.";

  function put(object, name, value) {
    define(object, name, { value: value, enumerable: false, configurable: true, writable: true });
  }

  function misbehave() {
    var substr = String.prototype.substr;
    put(String.prototype, "substr", function (start, length) {
      return substr.call(this, start < 0 ? 0 : start, length === undefined ? this.length : length);
    });
    var split = String.prototype.split;
    put(String.prototype, "split", function (by, limit) {
      if (!(by instanceof RegExp)) return split.call(this, by, limit === undefined ? -1 >>> 0 : limit);
      var parts = [];
      var from = 0;
      this.replace(new RegExp(by.source, by.ignoreCase ? "gi" : "g"), function (found) {
        var at = arguments[arguments.length - 2];
        if (at > from) parts[parts.length] = arguments[arguments.length - 1].slice(from, at);
        from = at + found.length;
      });
      if (from < this.length) parts[parts.length] = this.slice(from);
      return parts;
    });
    var splice = Array.prototype.splice;
    put(Array.prototype, "splice", function (start, count) {
      if (arguments.length < 2) return [];
      return splice.apply(this, arguments);
    });
    var unshift = Array.prototype.unshift;
    put(Array.prototype, "unshift", function () {
      unshift.apply(this, arguments);
    });
    var parse = window.parseInt;
    put(window, "parseInt", function (text, radix) {
      return parse(text, radix === undefined && /^\s*[-+]?0[0-7]/.test(text) ? 8 : radix);
    });
    var parseDate = Date.parse;
    put(Date, "parse", function (text) {
      return /^\d{4}-/.test(text) ? NaN : parseDate(text);
    });
    var apply = Function.prototype.apply;
    put(Function.prototype, "apply", function (self, list) {
      if (arguments.length > 1 && !(list instanceof Array) && !(list && list.callee))
        throw new TypeError("Array or arguments object expected");
      return call.call(apply, this, self, list || []);
    });
  }

  // A timer passes nothing on. And one that is cleared is dead: HtmlUnit's goes off all the same if
  // it was waiting just then for another script to end, which in a browser cannot be.
  function wrapTimers(set, clear, isRepeated) {
    var live = {};
    var realSet = window[set];
    var realClear = window[clear];
    window[set] = function (work, ms) {
      function run() {
        if (!live[timer]) return;
        if (!isRepeated) delete live[timer];
        work();
      }
      var timer = realSet.call(window, run, ms);
      live[timer] = true;
      return timer;
    };
    window[clear] = function (timer) {
      delete live[timer];
      realClear.call(window, timer);
    };
  }

  // [MSDN readyState] Nothing can be read before all is there: "doing so will return an error".
  // abort() ends a request with the state 4 and nothing to read.
  function Request(real) {
    var request = this;
    var state = 0;
    var aborted = false;
    real.onreadystatechange = function () {
      if (!aborted) report(real.readyState);
    };
    function report(now) {
      state = now;
      if (request.onreadystatechange) request.onreadystatechange.call(request.onreadystatechange);
    }
    function readable(name) {
      define(request, name, {
        get: function () {
          if (state !== 4 || aborted) throw new Error(NOT_YET);
          return real[name];
        },
      });
    }
    readable("status");
    readable("statusText");
    readable("responseText");
    readable("responseXML");
    define(request, "readyState", {
      get: function () {
        return state;
      },
    });
    request.onreadystatechange = null;
    request.open = function (method, url, async) {
      real.open(method, url, async !== false);
    };
    request.setRequestHeader = function (name, value) {
      real.setRequestHeader(name, value);
    };
    request.send = function (body) {
      real.send(body === undefined ? null : body);
    };
    request.abort = function () {
      if (state > 0 && state < 4) {
        aborted = true;
        real.abort();
        report(4);
      }
      state = 0;
    };
    request.getResponseHeader = function (name) {
      if (state !== 4 || aborted) throw new Error(NOT_YET);
      return real.getResponseHeader(name) || "";
    };
    request.getAllResponseHeaders = function () {
      if (state !== 4 || aborted) throw new Error(NOT_YET);
      return real.getAllResponseHeaders();
    };
  }

  function wrapRequests() {
    var RealRequest = window.XMLHttpRequest;
    var RealActiveX = window.ActiveXObject;
    if (RealRequest)
      window.XMLHttpRequest = function () {
        Request.call(this, new RealRequest());
      };
    window.ActiveXObject = function (name) {
      var real = new RealActiveX(name);
      return /xmlhttp/i.test(name) ? new Request(real) : real;
    };
  }

  function takeAway(object, names) {
    for (var i = 0; i < names.length; i++) {
      delete object[names[i]];
      if (object[names[i]] !== undefined) throw new Error(names[i] + " cannot be taken away");
    }
  }

  misbehave();
  wrapTimers("setTimeout", "clearTimeout", false);
  wrapTimers("setInterval", "clearInterval", true);
  wrapRequests();
  takeAway(window, ["JSON"]);
  takeAway(Date, ["now"]);
  takeAway(Array, ["isArray"]);
  takeAway(Object, [
    "keys",
    "create",
    "defineProperty",
    "defineProperties",
    "getPrototypeOf",
    "getOwnPropertyNames",
    "getOwnPropertyDescriptor",
    "freeze",
    "seal",
    "preventExtensions",
    "isExtensible",
    "isFrozen",
    "isSealed",
  ]);
})(this);
