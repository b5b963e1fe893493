import type { Address } from "./address.ts";
import type { Environment } from "./environment.ts";
import type { Ask, Http } from "./http.ts";

/** How a client reaches its site. */
export type Access = {
  environment: Environment;
  http: Http;
  address: Address;
  /** Sends GETs by script elements, where there are any. */
  script?: Ask | undefined;
  /** Makes requests that may be lost, while nothing else needs their connection. */
  spare?: Ask | undefined;
};
