/** A server under test, running on the server's core. */
export type System = {
  name: string;
  port: number;
  /** Processes whose CPU and memory are the server's, with their children: its own, its database's. */
  pids: number[];
  wire: "endless" | "chattera-poll" | "nchan-poll" | "socket.io-poll";
  /** Per reader, in the order of rooms×readers: all bytes of the first request, e.g. "GET /api/events?room=r HTTP/1.1\r\nHost: x\r\n\r\n". */
  reads: { room: number; request: string }[];
  /** Per writer: head without Content-Length, ended by \r\n; body with @TEXT@ and @ID@ where they go. */
  writers: { room: number; head: string; body: string }[];
  /** Ends it as a crash does and starts it again at the same port; where a scenario asks that. */
  restart?(): Promise<void>;
  stop(): Promise<void>;
};

/** What the generator needs to know of it. */
export type Plan = Omit<System, "restart" | "stop">;

/** How many of what, and where. */
export type SystemOptions = {
  rooms: number;
  readersPerRoom: number;
  writersPerRoom: number;
  /** The core it is held to. */
  core: number | undefined;
  /** Its readers poll, where it has several ways. */
  poll: boolean;
  /** Processes that serve; one unless said. */
  workers?: number;
  /** The folder of a control group, by which what it may have is limited. */
  group?: string;
  /** The writers have sessions, and have not entered their rooms yet. */
  arriving?: boolean;
};
