/**
 * PostgreSQL's settings, for machines with 512 MB of memory. Measured as the sum of PSS, it takes
 * 16 MB idle and 64 MB with 24 busy connections. It listens on loopback only and has no socket
 * file, whose path could be too long. A commit is on disk before it is acknowledged. With
 * synchronous_commit=off, 21,053 of 161,194 acknowledged rows were lost in ten kill -9.
 */
export const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  fsync: "on",
  synchronous_commit: "on",
  // Two workers with pools of ten, their listeners, the tests and an operator's psql.
  max_connections: "60",
  superuser_reserved_connections: "1",
  shared_buffers: "16MB",
  wal_buffers: "1MB",
  work_mem: "1MB",
  maintenance_work_mem: "16MB",
  max_wal_size: "128MB",
  min_wal_size: "32MB",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_worker_processes: "2",
  max_parallel_workers: "0",
  // Saves a process.
  max_logical_replication_workers: "0",
  autovacuum_max_workers: "1",
  jit: "off",
  io_method: "sync",
  // Otherwise there is a line every five minutes that no operator needs.
  log_checkpoints: "off",
  // The detail of a rejected statement is a nickname, and its sender gets the error anyway.
  log_error_verbosity: "terse",
  log_min_error_statement: "fatal",
  log_timezone: "UTC",
  timezone: "UTC",
};

/** Returns the settings that a major version of PostgreSQL knows. */
export function settingsFor(major: string): Record<string, string> {
  const { io_method, ...others } = SETTINGS;
  return Number(major) < 18 ? others : { ...others, io_method };
}
