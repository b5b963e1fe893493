"use strict";

/** Opens chattera as a Koa app. The package is an ES module, which CommonJS loads when it is used. */
exports.createApp = async (options) => (await import("../index.js")).createApp(options);
