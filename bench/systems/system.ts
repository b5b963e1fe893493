import type { ClientName, Templates, Values } from "../clients/templates.ts";

/** A server under test, running on the server's core, and the people that use it. */
export type System = {
  name: string;
  /**
   * The client that people use. A peer has none of its own: its people send the header lines of
   * chattera's page.
   */
  client: ClientName;
  transport: LoadTransport;
  port: number;
  /**
   * Processes whose CPU and memory are the server's, with their children: its own, its database's.
   */
  pids: number[];
  /** A program that was compiled before it began is warm at once. */
  isCompiled?: boolean;
  wire: "endless" | "chattera-poll" | "nchan-poll" | "socket.io-poll";
  /**
   * The requests of members and watchers: `read`, a member's `message`, and the others that their
   * client sends.
   */
  requests: { member: Templates; watcher: Templates };
  /** In the order of rooms × readers; in each room the members first. */
  people: Person[];
  /** Ends it as a crash does and starts it again at the same port; where a scenario asks that. */
  restart?(): Promise<void>;
  stop(): Promise<void>;
};

/** How events reach people: by a stream, or by one poll after the other. */
export type LoadTransport = "stream" | "poll";

/** Somebody who reads a room, and as a member writes in it as well. */
export type Person = {
  room: number;
  kind: "member" | "watcher";
  /** Of this machine: a person's connections come from an address of their own. */
  address: string;
  /** Fills the person's requests. The other values are made for each. */
  values: Values;
};

/** The part of a system that the generator needs. */
export type Plan = Omit<System, "restart" | "stop"> & { isTyping: boolean };

/** How many of what, and where. */
export type SystemOptions = {
  rooms: number;
  readersPerRoom: number;
  /** How many of a room's readers are members; the others only watch. */
  membersPerRoom: number;
  /** The core it is held to. */
  core: number | undefined;
  /** Default: the page. */
  client?: ClientName;
  /** Default: a stream. */
  transport?: LoadTransport;
  /** Members report that they are typing before each message, as the page does. */
  isTyping?: boolean;
  /** Rate limits off, where a load is more than a site as shipped takes. */
  isUnlimited?: boolean;
  /** Processes that serve; one unless said. */
  workers?: number;
  /** The folder of a control group, by which what it may have is limited. */
  group?: string;
  /** The members have sessions, and have not entered their rooms yet. */
  isArriving?: boolean;
};
