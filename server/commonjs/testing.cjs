"use strict";

/** Opens a stream, as the ES module does. */
exports.openStream = async (...options) => (await import("../testing.js")).openStream(...options);

/** Opens a stream, reads its first events and closes it, as the ES module does. */
exports.readEvents = async (...options) => (await import("../testing.js")).readEvents(...options);
