import type { openStream as open, readEvents as read } from "../testing.js" with { "resolution-mode": "import" };

export type * from "../testing.js" with { "resolution-mode": "import" };
export declare const openStream: typeof open;
export declare const readEvents: typeof read;
